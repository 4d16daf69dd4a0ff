package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/ports/faultpoint"
)

// point is a place where the server kills itself, and what leads it there.
type point struct {
	name  string
	most  int  // passages before the deadly one, which a few seconds bring
	disk  bool // blobs in S3 come by without the server
	reach func(*passer, context.Context)
}

var points = []point{
	{faultpoint.BeforeCommit, 40, false, (*passer).upload},
	{faultpoint.AfterCommit, 40, false, (*passer).upload},
	{faultpoint.AfterReserve, 10, false, (*passer).upload},
	{faultpoint.JobEnqueued, 10, false, (*passer).purge},
	{faultpoint.AfterVisit, 10, false, (*passer).visit},
	{faultpoint.BlobWritten, 10, true, (*passer).upload},
	{faultpoint.BlobNamed, 10, true, (*passer).upload},
	{faultpoint.BlobDurable, 10, true, (*passer).upload},
	{faultpoint.PartNamed, 4, true, (*passer).sendParts},
	{faultpoint.BlobJoined, 1, false, (*passer).sendParts},
	{faultpoint.BlobDeleted, 3, false, (*passer).purge},
}

// passer asks for what comes by a point, again and again, and keeps its ledger as
// everybody does.
type passer struct {
	*filer

	point point
}

func (p *passer) work(ctx context.Context) {
	ask := context.WithoutCancel(ctx)
	if !p.open(ask) {
		return
	}
	for ctx.Err() == nil {
		p.point.reach(p, ask)
	}
}

// purge uploads a file and removes it for good.
func (p *passer) purge(ctx context.Context) {
	from := len(p.files)
	p.upload(ctx)
	for _, file := range p.files[from:] {
		for range 2 { // to the trash, and out of it
			if file.ready && !file.unclear {
				p.alter(ctx, file, 9)
			}
		}
	}
}

// visit uses a link without limits.
func (p *passer) visit(ctx context.Context) {
	from := len(p.files)
	p.upload(ctx)
	for _, file := range p.files[from:] {
		if !file.ready {
			continue
		}
		link := p.change(ctx, "POST", "/api/nodes/"+file.id+"/shares", object{})
		visitor := &person{caller: &caller{w: p.w}}
		visitor.change(ctx, "GET", "/api/public/shares/"+link.text("token")+"/download/"+file.id, nil)
	}
}

func TestEachPointHasWhatLeadsToIt(t *testing.T) {
	t.Parallel()
	var names []string
	for _, p := range points {
		names = append(names, p.name)
	}
	all := faultpoint.All()
	slices.Sort(names)
	slices.Sort(all)
	if !slices.Equal(names, all) {
		t.Errorf("the tests lead to %v, and there are %v", names, all)
	}
}

func TestAServerThatDiesAtANamedPointLosesNothing(t *testing.T) {
	t.Parallel()
	times := max(1, *long/len(points))
	for _, wi := range both {
		t.Run(wi.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, pointed, t.TempDir(), wi.setup(t))
			s.start()
			w := newWorld(t, s)
			by := &passer{filer: &filer{person: w.signUp(t.Context())}}
			w.actors = append(w.actors, by)
			s.kill()
			for _, p := range points {
				if p.disk && wi.name != sqliteDisk.name {
					continue
				}
				t.Run(p.name, func(t *testing.T) {
					s.t, w.t = t, t
					by.point = p
					for range times {
						w.dieAt(p)
					}
				})
			}
			s.t, w.t = t, t
			s.start()
			w.check("at the end", true)
			s.stop()
			t.Logf("%d acknowledged writes, %d without an answer", w.written.Load(), w.lost.Load())
		})
	}
}

// dieAt has the server, which does not run, die at a point, and checks what it left.
func (w *world) dieAt(p point) {
	w.t.Helper()
	s := w.server
	s.start(fmt.Sprintf("FAULT_POINT=%s:%d", p.name, 1+rand.IntN(p.most)))
	reached := false
	w.during(func() {
		select {
		case <-s.exited:
			state, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus)
			reached = ok && state.Signal() == syscall.SIGKILL // Signal is -1 if it has exited
		case <-time.After(startTimeout):
		}
		s.kill()
	})
	if !reached {
		w.t.Errorf("the server does not come by %s, or ends before: %v\n%s", p.name, s.cmd.ProcessState, s.tail())
	}
	s.start()
	w.check("after "+p.name, false)
	s.kill()
}
