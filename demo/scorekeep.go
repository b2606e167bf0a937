package demo

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// service is a part of the application that sends segments.
type service struct {
	name, host string
	origin     string
	platform   string // the member of the aws block that describes the machine
	machine    map[string]any
	version    string
	handle     func(*scene) reply
}

// reply is what a service answers, and why, if it is no good answer.
type reply struct {
	status int
	length int64
	err    error
}

func ok(s *scene) reply { return reply{status: http.StatusOK, length: 60 + s.Int64N(600)} }

// Hosts, as callers name them. None of them exists.
const (
	hostWeb    = "web.scorekeep.example"
	hostAPI    = "api.scorekeep.example"
	hostScores = "scores.scorekeep.example"
	hostNames  = "names.example.com"
	hostCache  = "cache.scorekeep.example"
	hostDB     = "db.scorekeep.example"
)

// services are those that are asked by HTTP. The API runs twice, the new version
// beside the old one.
var services = []*service{
	{name: "web.scorekeep.example", host: hostWeb, origin: "AWS::EC2::Instance", version: "3.2.0", handle: web,
		platform: "ec2", machine: map[string]any{"instance_id": "i-0123456789abcdef0", "availability_zone": region + "a"}},
	{name: "Scorekeep", host: hostAPI, origin: "AWS::ECS::Container", version: "1.4.2", handle: scorekeep,
		platform: "ecs", machine: map[string]any{"container": "scorekeep-api-1"}},
	{name: "Scorekeep", host: hostAPI, origin: "AWS::ECS::Container", version: "1.5.0", handle: scorekeep,
		platform: "ecs", machine: map[string]any{"container": "scorekeep-api-2"}},
	{name: "scores-api", host: hostScores, origin: "AWS::EKS::Container", version: "0.9.1", handle: scores,
		platform: "eks", machine: map[string]any{"cluster_name": "scorekeep", "pod": "scores-api-7d9c"}},
}

// instance is the one of a service that answers.
func instance(host string, dice uint64) *service {
	var found []*service
	for _, s := range services {
		if s.host == host {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found[dice%uint64(len(found))]
}

// stranger is what names.example.com does, which is not traced.
func stranger(w world, now time.Time, dice uint64) (took time.Duration, status int) {
	s := scene{Rand: rand.New(rand.NewPCG(dice, 1))}
	switch {
	case w.trouble(now) == namesHang || s.chance(0.04):
		return time.Minute, http.StatusOK // longer than anybody waits
	case s.chance(0.08):
		return s.took(40, 120), http.StatusServiceUnavailable
	}
	return s.took(60, 400), http.StatusOK
}

// web passes on what browsers ask.
func web(s *scene) reply {
	if s.in.user != "" {
		s.user(s.in.user)
	}
	s.work(1, 4)
	if s.in.path == "/health" {
		return ok(s)
	}
	status, err := s.ask(hostAPI, s.in.method, s.in.path, 10*time.Second)
	if err != nil {
		return reply{status: http.StatusBadGateway, err: fail("web.UpstreamError", err, "asking %s: %v", hostAPI, err)}
	}
	s.work(0.4, 2)
	return reply{status: status, length: 200 + s.Int64N(2000)}
}

// ask asks another service on behalf of the same user.
func (s *scene) ask(host, method, path string, limit time.Duration) (status int, err error) {
	return s.call(request{host: host, method: method, path: path, user: s.in.user, agent: "Scorekeep", dice: s.Uint64()}, limit)
}

// scorekeep is the API.
func scorekeep(s *scene) reply {
	s.work(0.5, 3)
	path := strings.Split(strings.TrimPrefix(s.in.path, "/api/"), "/")
	if s.in.user != "" {
		s.user(s.in.user)
		s.annotate("tenant", tenantOf(s.in.user))
	}
	var r reply
	switch s.in.method + " " + path[0] {
	case "GET state", "GET session", "GET game":
		r = s.read(path)
	case "POST move":
		r = s.move(path)
	case "POST game":
		r = s.newGame(path)
	case "DELETE game":
		r = s.deleteGame(path)
	case "POST session":
		r = s.finish(s.save("Session", "session", code(s.Rand)))
	case "POST user":
		r = s.newUser()
	case "GET history":
		r = s.history(len(path) > 1)
	default:
		r = reply{status: http.StatusNotFound, err: fail("api.NoSuchResource", nil, "there is no %s", s.in.path)}
	}
	return r
}

// finish is the answer if the last thing that was done ended with err.
func (s *scene) finish(err error) reply {
	switch {
	case err == nil:
		s.work(0.3, 2)
		return ok(s)
	case busy(err):
		return reply{status: http.StatusTooManyRequests, err: fail("api.Busy", err, "the tables are busy: %v", err)}
	}
	return reply{status: http.StatusInternalServerError, err: fail("api.InternalError", err, "%s %s: %v", s.in.method, s.in.path, err)}
}

// table asks DynamoDB.
func (s *scene) table(operation, table string) error {
	took := s.took(4, 18)
	if operation == "UpdateItem" {
		took = s.took(7, 30)
	}
	var refused *awsError
	p := 0.001
	if table == "game" && operation == "UpdateItem" {
		p = 0.02
		if s.trouble(s.now()) == gameThrottled {
			p = 0.4
		}
	}
	switch {
	case s.chance(p):
		took += s.took(250, 600) // three retries
		refused = &awsError{status: 400, retries: 3, busy: true,
			err: refusal("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded")}
	case s.chance(0.0005):
		refused = &awsError{status: 500, retries: 2, err: refusal("InternalServerError", "The request processing has failed because of an unknown error")}
	}
	return s.amazon("DynamoDB", operation, "table_name", "scorekeep-"+table, took, refused)
}

// save writes an item in a subsegment of its own.
func (s *scene) save(model, table, id string) error {
	return s.within("## "+model+"Model.save"+model, func(s *scene) error {
		if table == "game" || table == "move" || table == "state" {
			if err := s.table("GetItem", "session"); err != nil {
				return err
			}
		}
		s.metadata("resources", table, map[string]any{"id": id, "rules": "TicTacToe"})
		return s.table("UpdateItem", table)
	})
}

// read is what browsers ask again and again while a game is shown.
func (s *scene) read(path []string) reply {
	if err := s.table("GetItem", path[0]); err != nil {
		return s.finish(err)
	}
	if s.chance(0.01) {
		return reply{status: http.StatusNotFound, err: fail("api.NotFound", nil, "there is no %s %s", path[0], path[len(path)-1])}
	}
	return s.finish(nil)
}

// move is a move in a game. The new version saves the game twice.
func (s *scene) move(path []string) reply {
	game, number := path[2], 1+s.IntN(9)
	s.annotate("gameid", game)
	s.annotate("rules", "TicTacToe")
	s.annotate("move_number", number)
	if err := errors.Join(s.table("GetItem", "game"), s.table("GetItem", "state")); err != nil {
		return s.finish(err)
	}
	switch {
	case path[3] == "script":
		return reply{status: http.StatusNotFound, err: fail("api.NotFound", nil, "the game %s is over", game)}
	case s.chance(0.02):
		return reply{status: http.StatusBadRequest, err: fail("rules.IllegalMove", nil, "the field is taken")}
	case s.chance(0.04):
		cause := fail("rules.BoardError", fail("strconv.NumError", nil, "parsing %q: invalid syntax", "X"), "the board of %s cannot be read", game)
		return reply{status: http.StatusInternalServerError, err: fail("api.InternalError", cause, "playing move %d of %s: %v", number, game, cause)}
	}
	saves := 1
	if s.version == "1.5.0" {
		saves = 4
	}
	for range saves {
		if err := s.save("Game", "game", game); err != nil {
			return s.finish(err)
		}
	}
	if err := errors.Join(s.save("Move", "move", game), s.save("State", "state", game)); err != nil {
		return s.finish(err)
	}
	if number < 5 || !s.chance(0.4) {
		return s.finish(nil)
	}
	s.annotate("win", true)
	return s.win(game)
}

// win reports the score at once, and tells the winner after the answer.
func (s *scene) win(game string) reply {
	dice := s.Uint64()
	s.beside("## Send notification", func(sub stage) {
		// The failure is recorded; nobody waits for it.
		_ = s.apart(sub, dice).notify("scorekeep-notifications", 180, 400)
	})
	s.enqueue(game)
	status, err := s.ask(hostScores, "POST", "/scores/"+game, 2*time.Second)
	if err == nil && status >= 500 {
		err = fail("scores.Unavailable", nil, "scores-api answered %d", status)
	}
	if err != nil {
		return reply{status: http.StatusBadGateway, err: fail("api.UpstreamError", err, "reporting the score of %s: %v", game, err)}
	}
	return s.finish(nil)
}

// notify publishes to a topic.
func (s *scene) notify(topic string, p50, p99 float64) error {
	return s.amazon("SNS", "Publish", "topic_arn", "arn:aws:sns:"+region+":"+accountID+":"+topic, s.took(p50, p99), nil)
}

// enqueue sends a finished game to the worker.
func (s *scene) enqueue(game string) {
	_ = s.amazon("SQS", "SendMessage", "queue_url", "https://sqs."+region+".amazonaws.com/"+accountID+"/scorekeep-games", s.took(6, 25), nil)
	attempts := 1
	poison := s.chance(0.05)
	if poison {
		attempts = 3
	}
	after := time.Duration(300+s.IntN(900)) * time.Millisecond
	for n := range attempts {
		dice := s.Uint64()
		s.later(after+time.Duration(n)*2*time.Second, "scorekeep-worker", "AWS::Lambda", func(platform stage) {
			t := s.apart(platform, dice)
			t.lambda("scorekeep-worker", func(t *scene) error { return worker(t, game, poison) })
		})
	}
}

// worker is the Lambda function that keeps what became of games.
func worker(s *scene, game string, poison bool) error {
	s.annotate("gameid", game)
	s.work(3, 12)
	if poison {
		return fail("worker.BadMessage", nil, "the message about %s names no winner", game)
	}
	if status, err := s.ask(hostAPI, "GET", "/api/game/"+code(s.Rand)+"/"+game, 3*time.Second); err != nil || status >= 500 {
		return fail("worker.GameError", err, "reading the game %s: status %d", game, status)
	}
	return s.amazon("S3", "PutObject", "bucket_name", "scorekeep-results", s.took(35, 140), nil)
}

// lambda runs a function in what Lambda records of it: the segment that s is in
// is the platform's, in which that of the function is made.
func (s *scene) lambda(name string, f func(*scene) error) error {
	function := "arn:aws:lambda:" + region + ":" + accountID + ":function:" + name
	var err error
	s.arn(function)
	s.aws("request_id", fmt.Sprintf("%08x-demo", s.Uint32()))
	s.wait(s.took(8, 30))
	s.segment(name, "AWS::Lambda::Function", func(on stage) {
		t := s.on(on)
		on.arn(function)
		on.aws("function_arn", function)
		if t.chance(0.1) {
			cold := on.begin("Initialization")
			cold.wait(t.took(500, 900))
			cold.end()
		}
		err = t.within("Invocation", f)
		if err != nil {
			on.failed(err, fault)
		}
		after := on.begin("Overhead")
		after.wait(t.took(2, 9))
		after.end()
	})
	status := http.StatusOK
	if err != nil {
		status = http.StatusInternalServerError
	}
	s.answered(status, 0)
	return err
}

// newUser creates a user with a random name, of a function or of a stranger.
func (s *scene) newUser() reply {
	if s.chance(0.5) {
		call := s.begin("Lambda")
		call.namespace("aws")
		call.aws("operation", "Invoke")
		call.aws("region", region)
		call.aws("function_name", "random-name")
		call.aws("invocation_type", "RequestResponse")
		call.wait(s.took(6, 20))
		call.segment("random-name", "AWS::Lambda", func(platform stage) {
			t := s.on(platform)
			_ = t.lambda("random-name", func(t *scene) error {
				t.annotate("UserID", t.in.user)
				t.work(3, 12)
				return t.notify("new-users", 40, 130)
			})
		})
		call.wait(s.took(3, 9))
		call.answered(http.StatusOK, 32)
		call.end()
	} else {
		status, err := s.ask(hostNames, "GET", "/api/", 3*time.Second)
		if err == nil && status != http.StatusOK {
			err = fail("names.Unavailable", nil, "%s answered %d", hostNames, status)
		}
		if err != nil {
			return reply{status: http.StatusBadGateway, err: fail("api.UpstreamError", err, "naming a user: %v", err)}
		}
	}
	return s.finish(s.save("User", "user", s.in.user))
}

// newGame creates a game in a session.
func (s *scene) newGame(path []string) reply {
	game := code(s.Rand)
	s.annotate("gameid", game)
	if err := s.table("GetItem", "session"); err != nil {
		return s.finish(err)
	}
	if err := s.save("Game", "game", game); err != nil {
		return s.finish(err)
	}
	return s.finish(s.save("Session", "session", path[len(path)-1]))
}

// deleteGame deletes a game.
func (s *scene) deleteGame(path []string) reply {
	s.annotate("gameid", path[len(path)-1])
	for _, step := range [][2]string{{"GetItem", "game"}, {"DeleteItem", "game"}, {"GetItem", "session"}, {"UpdateItem", "session"}} {
		if err := s.table(step[0], step[1]); err != nil {
			return s.finish(err)
		}
	}
	return s.finish(nil)
}

// history is what a tenant has played. One of them has no index, and
// sometimes somebody wants to see everything, page by page.
func (s *scene) history(all bool) reply {
	ask := func(text string, took time.Duration) error {
		if s.trouble(s.now()) == databaseSlow {
			took = took*10 + time.Second
		}
		var err error
		if s.chance(0.01) {
			err = &failure{kind: "pq.Error", remote: true, message: "canceling statement due to conflict with recovery"}
		}
		return s.query(query{text: text, took: took, err: err})
	}
	if all {
		s.annotate("big", true)
		err := ask("SELECT * FROM game_history ORDER BY ended DESC", s.took(120, 400))
		for n := 0; n < 120 && err == nil; n++ {
			err = s.within(fmt.Sprintf("## page %d", n+1), func(s *scene) error { s.work(1, 3); return nil })
		}
		return s.finish(err)
	}
	took := s.took(15, 90)
	if tenantOf(s.in.user) == "globex" {
		took = s.took(1200, 2400)
	}
	return s.finish(ask("SELECT * FROM game_history WHERE tenant = $1 ORDER BY ended DESC", took))
}

// scores is a service that keeps a table of scores in a cache.
func scores(s *scene) reply {
	s.work(1, 5)
	if s.trouble(s.now()) == scoresFail && s.chance(0.66) {
		cause := fail("net.OpError", nil, "dial tcp 192.0.2.40:6379: connect: connection refused")
		return reply{status: http.StatusServiceUnavailable, err: fail("scores.CacheError", cause, "adding to the table: %v", cause)}
	}
	hit := s.chance(0.8)
	s.metadata("debug", "cache", map[string]any{"hit": hit})
	sub := s.begin(hostCache)
	sub.namespace("remote")
	sub.wait(s.took(1, 6))
	sub.end()
	if !hit {
		s.work(20, 70)
	}
	return ok(s)
}

// prologue is what was there before the first request: programs that are no
// servers send segments, too.
func prologue(begin func(before time.Duration, name string) stage, lost func(before time.Duration, name, url string), random *rand.Rand) {
	on := func(before time.Duration, name string, f func(*scene)) {
		s := &scene{stage: begin(before, name), Rand: random}
		f(s)
		s.end()
	}
	on(90*time.Second, "Scorekeep-init", func(s *scene) {
		s.work(150, 300)
		_ = s.amazon("SNS", "Subscribe", "topic_arn", "arn:aws:sns:"+region+":"+accountID+":scorekeep-notifications", s.took(900, 1400),
			&awsError{status: 400, err: refusal("InvalidParameterException", "Invalid parameter: Email address (Service: AmazonSNS; Status Code: 400)")})
		s.work(100, 200)
	})
	on(80*time.Second, "scorekeep-build", func(s *scene) {
		s.work(4000, 9000)
		s.failed(fail("build.Error", nil, "vet ./...:\n%s", strings.Repeat("api/move.go:58:4: declared and not used: winner\n", 12)), fault)
	})
	on(45*time.Second, "scorekeep-build", func(s *scene) { s.work(6000, 9000) })
	lost(30*time.Second, "browser.scorekeep.example", "https://"+hostWeb+"/#/game/8RDQFKBA/TP8MVQEN")
}
