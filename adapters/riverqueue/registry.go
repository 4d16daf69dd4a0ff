package riverqueue

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/seed-755a8038/coffer/ports"
)

// Defaults of HandleOptions.
const (
	DefaultMaxAttempts = 12
	DefaultTimeout     = time.Minute
)

// HandleOptions says how the jobs of one kind run.
type HandleOptions struct {
	// MaxAttempts is how often a job runs before it is dead. Zero means
	// DefaultMaxAttempts.
	MaxAttempts int

	// Timeout ends the context of an attempt. Zero means DefaultTimeout. A job
	// whose process died runs again after its timeout, though never before
	// RescueAfter.
	Timeout time.Duration

	// Unique drops a job whose kind and payload equal those of a job that is
	// waiting or running. A drop while the other one runs means that the handler
	// may have read the state of before: use it only where the next job of the
	// kind makes up for that.
	Unique bool

	// Lane is one of Options.Lanes, in which the jobs wait for each other and for
	// nothing else. Empty means among all others.
	Lane string
}

// Registry says which kinds of job a queue runs, and by what. Everything must be
// registered before the queue starts and before the first job is enqueued; it
// may be after the queue is made, so that a handler can use what enqueues jobs.
type Registry struct {
	workers *river.Workers
	kinds   map[string]kind
	ticks   map[string]tick
	errs    []error // mistakes in what was registered, told by Start
}

type kind struct {
	maxAttempts int
	unique      bool
	lane        string
}

type tick struct {
	every      time.Duration
	runOnStart bool
	job        func() ports.Job
}

// NewRegistry returns a registry without handlers.
func NewRegistry() *Registry {
	return &Registry{workers: river.NewWorkers(), kinds: make(map[string]kind), ticks: make(map[string]tick)}
}

// kindPattern is what River takes as the name of a job, less its exotic characters.
var kindPattern = regexp.MustCompile(`^\w[\w.:/-]{1,126}$`)

// Handle registers handle for the jobs of type J. The kind must be a constant of
// the type: it is read from the zero J. A handler may run more than once for a
// job and must end when its context does. Its error, or a panic, fails the
// attempt; Cancel fails the job for good.
func Handle[J ports.Job](r *Registry, handle func(ctx context.Context, job J) error, options HandleOptions) {
	var zero J
	name := zero.Kind()
	if !kindPattern.MatchString(name) {
		r.errs = append(r.errs, fmt.Errorf("%q cannot name a kind of job", name))
		return
	}
	if options.MaxAttempts < 0 || options.Timeout < 0 {
		r.errs = append(r.errs, fmt.Errorf("options of job kind %q: a number is negative", name))
		return
	}
	w := &worker[J]{handle: handle, timeout: options.Timeout}
	if err := river.AddWorkerSafely(r.workers, w); err != nil {
		r.errs = append(r.errs, err)
		return
	}
	attempts := options.MaxAttempts
	if attempts == 0 {
		attempts = DefaultMaxAttempts
	}
	r.kinds[name] = kind{maxAttempts: attempts, unique: options.Unique, lane: options.Lane}
}

// Every enqueues a job each interval (at least a second), and one at start if
// runOnStart is set. Of several processes on one database only one enqueues, and
// a tick is left out while the job of an earlier one waits or runs. An interval
// begins anew with the process, so a long one needs runOnStart. The kind needs a
// handler, and only its payload may differ from call to call.
func (r *Registry) Every(interval time.Duration, runOnStart bool, job func() ports.Job) {
	name := job().Kind()
	switch _, twice := r.ticks[name]; {
	case twice:
		r.errs = append(r.errs, fmt.Errorf("job kind %q is periodic twice", name))
	case interval < time.Second:
		r.errs = append(r.errs, fmt.Errorf("job kind %q: an interval of %v is too short", name, interval))
	default:
		r.ticks[name] = tick{every: interval, runOnStart: runOnStart, job: job}
	}
}

// check reports everything that is wrong with what was registered.
func (r *Registry) check(lanes map[string]int) error {
	errs := r.errs
	for name, k := range r.kinds {
		if k.lane != "" && lanes[k.lane] == 0 {
			errs = append(errs, fmt.Errorf("job kind %q waits in lane %q, which there is not", name, k.lane))
		}
	}
	for name := range r.ticks {
		if _, ok := r.kinds[name]; !ok {
			errs = append(errs, fmt.Errorf("periodic job kind %q has no handler", name))
		}
	}
	return errors.Join(errs...)
}

// params gives each job the options of its kind.
func (r *Registry) params(list []ports.Job) ([]river.InsertManyParams, error) {
	params := make([]river.InsertManyParams, len(list))
	for i, job := range list {
		options, err := r.insertOptions(job.Kind())
		if err != nil {
			return nil, err
		}
		params[i] = river.InsertManyParams{Args: job, InsertOpts: options}
	}
	return params, nil
}

// alive are the states of a job that may still run, by which River tells twins.
var alive = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

func (r *Registry) insertOptions(name string) (*river.InsertOpts, error) {
	k, ok := r.kinds[name]
	if !ok {
		return nil, fmt.Errorf("job kind %q has no handler", name)
	}
	options := &river.InsertOpts{MaxAttempts: k.maxAttempts, Queue: k.lane}
	if _, periodic := r.ticks[name]; periodic {
		options.UniqueOpts = river.UniqueOpts{ByState: alive}
	} else if k.unique {
		options.UniqueOpts = river.UniqueOpts{ByState: alive, ByArgs: true}
	}
	return options, nil
}

// periodic returns River's form of the registered ticks.
func (r *Registry) periodic() []*river.PeriodicJob {
	var list []*river.PeriodicJob
	for name, t := range r.ticks {
		list = append(list, river.NewPeriodicJob(
			river.PeriodicInterval(t.every),
			func() (river.JobArgs, *river.InsertOpts) {
				options, err := r.insertOptions(name)
				if err != nil {
					return nil, nil // check has refused this before
				}
				return t.job(), options
			},
			&river.PeriodicJobOpts{RunOnStart: t.runOnStart},
		))
	}
	return list
}

// worker is River's view of a handler.
type worker[J ports.Job] struct {
	river.WorkerDefaults[J]
	handle  func(ctx context.Context, job J) error
	timeout time.Duration
}

func (w *worker[J]) Timeout(*river.Job[J]) time.Duration { return w.timeout }

func (w *worker[J]) Work(ctx context.Context, job *river.Job[J]) error {
	return w.handle(ctx, job.Args)
}
