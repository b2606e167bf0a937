package localstore

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestWay has a question asked for a second. What comes in waits for its first
// moments, what runs in the background for all of it, each for half of the time.
func TestWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Store{closed: make(chan struct{}), way: way{opened: time.Now()}}
		s.open.init(1 << 20)
		waited := func(give func()) time.Duration {
			began := time.Now()
			give()
			return time.Since(began)
		}
		step := func(name string, give func(), want time.Duration) {
			t.Helper()
			if got := waited(give); got != want {
				t.Errorf("%s waited for %v, want %v", name, got, want)
			}
		}
		time.Sleep(time.Second)
		step("a write while nobody asks", s.letAsk, 0)
		s.way.ask()
		step("the background", s.GiveWay, rest)
		step("a write", s.letAsk, rest)
		step("a write that rested", s.letAsk, 0)
		time.Sleep(firstMoments)
		step("a write after the first moments", s.letAsk, 0)
		step("the background, later", s.GiveWay, rest)
		step("the background that rested", s.GiveWay, 0)
		time.Sleep(time.Second)
		go func() {
			time.Sleep(rest / 2)
			s.way.answered()
		}()
		step("the background till the answer", s.GiveWay, rest/2)
		s.way.ask()
		time.Sleep(firstMoments - rest/4)
		step("a write at the end of the first moments", s.letAsk, rest/4)
		s.way.answered()
		step("a write after the answer", s.letAsk, 0)

		s.way.ask()
		time.Sleep(time.Second)
		s.open.bytes = 1 // of none
		step("the background while memory is short", s.GiveWay, 0)
	})
}
