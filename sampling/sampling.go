// Package sampling is what the server knows of sampling: which rule decides a
// request, how the reservoir of a rule is divided among the clients that
// sample, and what they did.
//
// In come rules, requests, and the reports that clients send every ten
// seconds; out go the rule that decides, the targets that clients sample by
// until their next report, and sums by rule. Everything is a function of its
// arguments: the caller says what time it is.
//
// # Matching
//
// Rules are tried in order of priority, equal ones in order of their names, and
// the first that matches decides. That is done by clients, and families of
// clients differ about letter case and about what a request lacks; [Families]
// has all that are known, the first being the reference.
//
// # Dividing
//
// Clients report to a [Fleet] what they decided and get a quota: traces a
// second that they may take before the rate applies. The quotas of the clients
// of a rule that are active never add up to more than its reservoir. While a
// client has no quota yet, or its quota expired, it borrows one trace a second,
// which nobody can prevent.
package sampling
