// Package xray has the names of the package of the same name of the official
// X-Ray SDK for Go, versions 1 and 2. A program moves by changing the path
// github.com/aws/aws-xray-sdk-go, or .../v2, to github.com/tomotrace/tomo/sdk/compat
// in its imports. What differs is listed in the README of compat.
//
// Segments of this package and of sdk are the same: what the one begins the
// other finds in the context.
package xray
