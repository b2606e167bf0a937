package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// world is what the services find when they look around: a function of the seed
// and the time alone, so that both stages are in the same one.
type world struct{ seed uint64 }

// pause is the time from one request of clients to the next: requests come
// independently of each other, more of them in the evening than at night.
func (w world) pause(now time.Time, rate float64, random *rand.Rand) time.Duration {
	return time.Duration(random.ExpFloat64() / (rate * busyness(now)) * float64(time.Second))
}

// busyness is how much is going on at a time of the day, 1 on average: a third at
// four in the morning, half as much again from the afternoon to the evening, in
// the zone of t.
func busyness(t time.Time) float64 {
	hour := float64(t.Hour()) + float64(t.Minute())/60
	return 1 - 0.55*math.Cos((hour-4)/24*2*math.Pi) + 0.2*math.Cos((hour-20)/12*2*math.Pi)
}

// Incident is a time in which something that Scorekeep depends on is broken.
type Incident struct {
	From, To time.Time
	What     string
	kind     trouble
}

type trouble int

const (
	calm trouble = iota
	namesHang
	databaseSlow
	scoresFail
	gameThrottled
	troubles = iota - 1
)

var troubleTexts = [...]string{
	namesHang:     "names.example.com does not answer: creating users fails",
	databaseSlow:  "the history database is slow",
	scoresFail:    "scores-api fails two of three times: moves that win fail",
	gameThrottled: "the table scorekeep-game throttles",
}

// incidentOf is the incident of the hour in which t lies. Each has one, of four to
// eight minutes, and all kinds take their turns.
func (w world) incidentOf(t time.Time) Incident {
	hour := t.Truncate(time.Hour)
	n := uint64(hour.Unix() / 3600)
	random := rand.New(rand.NewPCG(w.seed, n))
	from := hour.Add(time.Duration(10+random.IntN(40)) * time.Minute)
	kind := trouble((n+w.seed)%troubles) + 1
	return Incident{
		From: from, To: from.Add(time.Duration(4+random.IntN(5)) * time.Minute),
		What: troubleTexts[kind], kind: kind,
	}
}

// trouble is what is broken at t.
func (w world) trouble(t time.Time) trouble {
	if i := w.incidentOf(t); !t.Before(i.From) && t.Before(i.To) {
		return i.kind
	}
	return calm
}

// NextIncident is the one that lasts at t or begins next.
func NextIncident(seed uint64, t time.Time) Incident {
	w := world{seed: seed}
	i := w.incidentOf(t)
	if !t.Before(i.To) {
		i = w.incidentOf(t.Truncate(time.Hour).Add(time.Hour))
	}
	i.From, i.To = i.From.In(t.Location()), i.To.In(t.Location())
	return i
}

// request is what a service is asked. Dice is the seed of what chance does to
// it; a service hands each of its callees another one.
type request struct {
	host, method, path string
	user               string
	clientIP, agent    string
	dice               uint64
}

// Users, and what browsers and scripts call themselves.
const users = 20

var (
	tenants = []string{"acme", "globex", "initech"}
	agents  = []string{
		"Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/129.0",
	}
	// Networks that are set aside for documentation.
	networks = []string{"192.0.2.", "198.51.100.", "203.0.113."}
)

// kinds are what clients ask, and how often. S, G and T stand for the ids of a
// session, a game and a state, U for the user.
var kinds = []struct {
	share        float64
	method, path string
}{
	{0.20, "GET", "/api/state/S/G/T"},
	{0.12, "GET", "/api/game/S/G"},
	{0.10, "GET", "/api/session/S"},
	{0.25, "POST", "/api/move/S/G/U"},
	{0.09, "POST", "/api/game/S"},
	{0.09, "POST", "/api/user"},
	{0.05, "POST", "/api/session"},
	{0.048, "GET", "/api/history"},
	{0.002, "GET", "/api/history/all"},
	{0.02, "DELETE", "/api/game/S/G"},
	{0.01, "GET", "/health"},
	{0.02, "POST", scriptPath}, // a script that plays a game that is over
}

const scriptPath = "/api/move/8RDQFKBA/TP8MVQEN/script"

// draw is what a client asks next.
func draw(random *rand.Rand) request {
	p := random.Float64()
	for n := range kinds {
		if p -= kinds[n].share; p < 0 {
			return drawKind(n, random)
		}
	}
	return drawKind(0, random) // what rounding leaves
}

func drawKind(kind int, random *rand.Rand) request {
	n := 1 + random.IntN(users)
	if random.IntN(3) == 0 {
		n = 1 + random.IntN(2) // two play more than all others
	}
	q := request{
		host: hostWeb, method: kinds[kind].method, user: fmt.Sprintf("u-%02d", n), agent: agents[n%len(agents)],
		clientIP: fmt.Sprint(networks[n%len(networks)], 10+n), dice: random.Uint64(),
	}
	parts := strings.Split(kinds[kind].path, "/")
	for i, part := range parts {
		switch part {
		case "S", "G", "T":
			parts[i] = code(random)
		case "U":
			parts[i] = q.user
		}
	}
	q.path = strings.Join(parts, "/")
	switch q.path {
	case scriptPath:
		q.host, q.agent, q.user, q.clientIP = hostAPI, "curl/8.10.1", "", "203.0.113.77"
	case "/health":
		q.user = ""
	}
	return q
}

// overture is what clients ask first: everything there is to ask, and some of it
// again, so that little of the map hangs on chance when somebody waits for it.
func overture(random *rand.Rand) (list []request) {
	for n := range kinds {
		list = append(list, drawKind(n, random))
		for range int(kinds[n].share * 40) {
			list = append(list, drawKind(n, random))
		}
	}
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// tenantOf is the customer whom a user belongs to.
func tenantOf(user string) string {
	n := 0
	fmt.Sscanf(user, "u-%d", &n)
	return tenants[n%len(tenants)]
}

// code is an id as Scorekeep makes them.
func code(random *rand.Rand) string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
	b := make([]byte, 8)
	for i := range b {
		b[i] = letters[random.IntN(len(letters))]
	}
	return string(b)
}
