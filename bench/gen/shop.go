package gen

import "math"

// service is one service of the shop: the constants of its segments.
type service struct {
	name     string
	host     string // what callers call it: the name of their subsegment
	origin   string
	sdk      string // the aws.xray block
	runtime  string // the service block
	digits   int    // decimals of its times: 3, 6 or 7, as its SDK writes them
	hosts    int    // how many of it run
	packages string // prefix of the paths in its stacks
	language string // suffix of the files in its stacks
}

const (
	ec2 = "AWS::EC2::Instance"
	ecs = "AWS::ECS::Container"
)

var (
	frontend = &service{name: "shop-frontend", host: "shop.example.com", origin: ecs, digits: 3, hosts: 8,
		sdk:      `"xray":{"sdk":"X-Ray for Node.js","sdk_version":"3.10.3","rule_name":"frontend"}`,
		runtime:  `"service":{"version":"2026.9.3","runtime":"node","runtime_version":"22.11.0"}`,
		packages: "/srv/app/dist/", language: ".js"}
	cart = &service{name: "cart", host: "cart.internal", origin: ec2, digits: 7, hosts: 6,
		sdk:      `"xray":{"sdk_version":"2.0.3","sdk":"X-Ray for Go"}`,
		runtime:  `"service":{"version":"3.41.0","runtime_version":"go1.26.8","runtime":"gc"}`,
		packages: "/build/cart/internal/", language: ".go"}
	catalog = &service{name: "catalog", host: "catalog.internal", origin: ecs, digits: 7, hosts: 6,
		sdk:      `"xray":{"sdk":"X-Ray for Python","sdk_version":"2.15.0"}`,
		runtime:  `"service":{"runtime":"CPython","runtime_version":"3.12.7","version":"1.118.2"}`,
		packages: "/srv/catalog/", language: ".py"}
	inventory = &service{name: "inventory", host: "inventory.internal", origin: ec2, digits: 7, hosts: 4,
		sdk:      `"xray":{"sdk_version":"2.0.3","sdk":"X-Ray for Go"}`,
		runtime:  `"service":{"version":"1.7.12","runtime_version":"go1.26.8","runtime":"gc"}`,
		packages: "/build/inventory/", language: ".go"}
	payments = &service{name: "payments", host: "payments.internal", origin: ecs, digits: 6, hosts: 4,
		sdk:      `"xray":{"sdk":"X-Ray for Java","sdk_version":"2.18.1","rule_name":"payments"}`,
		runtime:  `"service":{"version":"4.12.0","runtime":"OpenJDK 64-Bit Server VM","runtime_version":"21.0.5"}`,
		packages: "com/example/payments/", language: ".java"}
	shipping = &service{name: "shipping", host: "shipping.internal", origin: ecs, digits: 6, hosts: 3,
		sdk:      `"xray":{"sdk":"X-Ray for Java","sdk_version":"2.18.1"}`,
		runtime:  `"service":{"version":"0.63.4","runtime":"OpenJDK 64-Bit Server VM","runtime_version":"21.0.5"}`,
		packages: "com/example/shipping/", language: ".java"}
	notify = &service{name: "notify", host: "notify.internal", origin: ec2, digits: 7, hosts: 3,
		sdk:      `"xray":{"sdk":"X-Ray for Python","sdk_version":"2.15.0"}`,
		runtime:  `"service":{"runtime":"CPython","runtime_version":"3.12.7","version":"2.2.0"}`,
		packages: "/srv/notify/", language: ".py"}
	search = &service{name: "search", host: "search.internal", origin: ec2, digits: 7, hosts: 6,
		sdk:      `"xray":{"sdk_version":"2.0.3","sdk":"X-Ray for Go"}`,
		runtime:  `"service":{"version":"5.0.9","runtime_version":"go1.26.8","runtime":"gc"}`,
		packages: "/build/search/pkg/", language: ".go"}

	services = []*service{frontend, cart, catalog, inventory, payments, shipping, notify, search}
)

// callKind says what a piece of work calls.
type callKind uint8

const (
	local    callKind = iota // a function of its own
	traced                   // a service that sends a segment of its own
	foreign                  // an HTTP service outside
	dynamoDB                 // a table
	sqs                      // a queue
	sql                      // a database
)

// call is one subsegment of a piece of work.
type call struct {
	kind callKind
	// name is the function, the foreign host, the table, the queue or the database.
	name string
	// action is the HTTP method, the operation or the statement.
	action string
	path   string  // of a foreign service
	to     *work   // of a traced one
	millis float64 // how long it typically takes, but for a traced one
}

// work is one piece of work of a service: what becomes a segment. In a path
// '#' stands for a number and '@' for a word.
type work struct {
	service *service
	method  string
	path    string
	millis  float64 // of its own, around the calls
	calls   []call
}

// route is what a visitor does: the root of a trace.
type route struct {
	weight int // of 100
	work   *work
}

var (
	reserve = &work{service: inventory, method: "POST", path: "/v1/items/#/reserve", millis: 2, calls: []call{
		{kind: sql, name: "stock@pg-stock.internal", action: "UPDATE stock SET reserved = reserved + ? WHERE item = ?", millis: 6},
		{kind: local, name: "## Stock.reserve", millis: 1},
		{kind: sqs, name: "stock-changes", action: "SendMessage", millis: 9},
	}}
	stock = &work{service: inventory, method: "GET", path: "/v1/items/#", millis: 1, calls: []call{
		{kind: local, name: "## Stock.cached", millis: 0.3},
		{kind: sql, name: "stock@pg-stock.internal", action: "SELECT free, warehouse FROM stock WHERE item = ?", millis: 4},
		{kind: local, name: "## Stock.encode", millis: 0.2},
	}}
	product = &work{service: catalog, method: "GET", path: "/products/#", millis: 3, calls: []call{
		{kind: dynamoDB, name: "shop-products", action: "GetItem", millis: 5},
		{kind: local, name: "## Prices.apply", millis: 1},
		{kind: traced, to: stock},
	}}
	listing = &work{service: catalog, method: "GET", path: "/products?category=@&page=#", millis: 4, calls: []call{
		{kind: dynamoDB, name: "shop-products", action: "Query", millis: 12},
		{kind: local, name: "## Listing.rank", millis: 3},
		{kind: traced, to: stock},
	}}
	find = &work{service: search, method: "GET", path: "/find?q=@&limit=#", millis: 2, calls: []call{
		{kind: local, name: "## Query.parse", millis: 0.2},
		{kind: foreign, name: "vectors.search-vendor.example.net", action: "POST", path: "/v1/nearest", millis: 25},
		{kind: traced, to: listing},
	}}
	cartRead = &work{service: cart, method: "GET", path: "/carts/#", millis: 1, calls: []call{
		{kind: dynamoDB, name: "shop-carts", action: "GetItem", millis: 4},
		{kind: local, name: "## Cart.total", millis: 0.5},
		{kind: traced, to: product},
	}}
	cartAdd = &work{service: cart, method: "PUT", path: "/carts/#/items/#", millis: 1, calls: []call{
		{kind: traced, to: product},
		{kind: dynamoDB, name: "shop-carts", action: "UpdateItem", millis: 6},
		{kind: local, name: "## Cart.total", millis: 0.5},
	}}
	charge = &work{service: payments, method: "POST", path: "/v2/charges", millis: 4, calls: []call{
		{kind: local, name: "## Fraud.score", millis: 8},
		{kind: foreign, name: "api.card-gateway.example.net", action: "POST", path: "/charges/#/capture", millis: 140},
		{kind: dynamoDB, name: "shop-payments", action: "PutItem", millis: 7},
	}}
	mail = &work{service: notify, method: "POST", path: "/mails/order-confirmed", millis: 1, calls: []call{
		{kind: local, name: "## Template.render", millis: 4},
		{kind: sql, name: "mails@pg-mail.internal", action: "INSERT INTO \"outbox\" (customer, template, payload) VALUES (?, ?, ?)", millis: 5},
		{kind: sqs, name: "outgoing-mails", action: "SendMessage", millis: 10},
	}}
	parcel = &work{service: shipping, method: "POST", path: "/parcels", millis: 3, calls: []call{
		{kind: foreign, name: "api.carrier.example.net", action: "GET", path: "/quotes?zip=#", millis: 60},
		{kind: dynamoDB, name: "shop-parcels", action: "PutItem", millis: 6},
		{kind: traced, to: mail},
	}}
	track = &work{service: shipping, method: "GET", path: "/parcels/#", millis: 2, calls: []call{
		{kind: dynamoDB, name: "shop-parcels", action: "GetItem", millis: 4},
		{kind: foreign, name: "api.carrier.example.net", action: "GET", path: "/tracking/#", millis: 70},
		{kind: local, name: "## Tracking.merge", millis: 0.5},
	}}

	// routes are what visitors do; the weights give about 4 segments a trace.
	routes = []route{
		{26, &work{service: frontend, method: "GET", path: "/c/@?page=#", millis: 6, calls: []call{
			{kind: local, name: "## session", millis: 1},
			{kind: traced, to: listing},
			{kind: local, name: "## render", millis: 8},
		}}},
		{24, &work{service: frontend, method: "GET", path: "/p/#", millis: 6, calls: []call{
			{kind: dynamoDB, name: "shop-sessions", action: "GetItem", millis: 4},
			{kind: traced, to: product},
			{kind: local, name: "## render", millis: 7},
		}}},
		{16, &work{service: frontend, method: "GET", path: "/search?q=@", millis: 5, calls: []call{
			{kind: local, name: "## session", millis: 1},
			{kind: traced, to: find},
			{kind: local, name: "## render", millis: 9},
		}}},
		{14, &work{service: frontend, method: "POST", path: "/cart/items/#", millis: 4, calls: []call{
			{kind: local, name: "## session", millis: 1},
			{kind: local, name: "## csrf", millis: 0.2},
			{kind: traced, to: cartAdd},
		}}},
		{14, &work{service: frontend, method: "POST", path: "/cart/checkout", millis: 6, calls: []call{
			{kind: traced, to: cartRead},
			{kind: traced, to: charge},
			{kind: traced, to: reserve},
			{kind: traced, to: parcel},
		}}},
		{6, &work{service: frontend, method: "GET", path: "/orders/#/track", millis: 4, calls: []call{
			{kind: local, name: "## session", millis: 1},
			{kind: traced, to: track},
			{kind: local, name: "## render", millis: 4},
		}}},
	}
)

// segments counts the pieces of work below and including w.
func (w *work) segments() int {
	n := 1
	for _, c := range w.calls {
		if c.kind == traced {
			n += c.to.segments()
		}
	}
	return n
}

// pick chooses a route by its weight: roll lies in [0, 100).
func pick(roll int) *work {
	for _, r := range routes {
		if roll -= r.weight; roll < 0 {
			return r.work
		}
	}
	return routes[len(routes)-1].work
}

// spread turns a typical time in milliseconds into microseconds that lie
// around it with the long tail response times have. z is normally distributed.
func spread(millis, z float64) int64 {
	return int64(millis*1000*math.Exp(0.45*z)) + 20
}

var (
	agents = []string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/139.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/139.0.0.0 Mobile Safari/537.36",
		"shop-app/7.4.1 (iOS 18.6)",
		"shop-app/7.3.0 (Android 15)",
	}
	words = []string{"lamps", "garden", "kitchen", "tents", "bikes", "shoes", "rain-jackets", "notebooks", "speakers",
		"coffee", "board-games", "climbing", "sofas", "paint", "headphones", "toys", "knives", "plants", "skis", "mugs"}
	tenants   = []string{"north", "south", "east", "west", "online", "outlet", "partners", "staff"}
	sizes     = []string{"m7g.large", "m7g.xlarge", "c7g.large"}
	campaigns = []string{"autumn-sale", "newsletter-41", "none", "referral", "loyalty", "frühbucher"}
	// failures are what goes wrong inside a service: type, message.
	failures = [][2]string{
		{"ConnectTimeoutError", "connect to upstream timed out after 2000 ms"},
		{"java.lang.IllegalStateException", "order is not in a state that can be changed"},
		{"context.deadlineExceededError", "context deadline exceeded"},
		{"DeadlockDetected", "deadlock detected while updating tuple in relation"},
		{"KeyError", "missing price for currency EUR"},
	}
	functions = []string{"load", "handle", "ServeHTTP", "dispatch", "apply", "execute", "call", "run", "invoke", "process",
		"retry", "decode", "commit", "route", "middleware"}
	files = []string{"handler", "store", "client", "pool", "router", "service", "repository", "filters", "session", "codec"}
)
