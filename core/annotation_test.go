package core

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestBodiesOfAnnotations(t *testing.T) {
	nfc := func(s string) string { return s }
	type m = map[string]any
	for _, c := range []struct {
		kind AnnotationKind
		body m
		want string // the stored body, or where it is wrong
	}{
		{AnnotationComment, m{"text": "  two\r\nlines "}, `{"text":"two\nlines"}`},
		{AnnotationComment, m{"text": "<b>&"}, `{"text":"<b>&"}`},
		{AnnotationComment, m{}, "body.body.text"},
		{AnnotationComment, m{"text": " "}, "body.body.text"},
		{AnnotationComment, m{"text": 1.0}, "body.body.text"},
		{AnnotationComment, m{"text": "a\x00b"}, "body.body.text"},
		{AnnotationComment, m{"text": strings.Repeat("x", MaxAnnotationText+1)}, "body.body.text"},
		{AnnotationComment, m{"text": "a", "label": "b"}, "body.body"},
		{AnnotationLabel, m{"label": " boat ", "confidence": 0.25}, `{"confidence":0.25,"label":"boat"}`},
		{AnnotationLabel, m{"label": "boat", "confidence": 1.5}, "body.body.confidence"},
		{AnnotationLabel, m{"text": "boat"}, "body.body.label"},
		{AnnotationRegion, m{"x": 0.0, "y": 0.5, "width": 1.0, "height": 0.5}, `{"height":0.5,"width":1,"x":0,"y":0.5}`},
		{AnnotationRegion, m{"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4, "page": 2.0, "text": "here"}, `{"height":0.4,"page":2,"text":"here","width":0.3,"x":0.1,"y":0.2}`},
		{AnnotationRegion, m{"x": 0.1, "y": 0.7, "width": 0.9, "height": 0.3}, `{"height":0.3,"width":0.9,"x":0.1,"y":0.7}`},
		{AnnotationRegion, m{"x": 0.5, "y": 0.0, "width": 0.6, "height": 0.5}, "body.body.width"},
		{AnnotationRegion, m{"x": 0.5, "y": 0.6, "width": 0.5, "height": 0.5}, "body.body.height"},
		{AnnotationRegion, m{"x": 0.5, "y": 0.6, "width": 0.0, "height": 0.1}, "body.body.width"},
		{AnnotationRegion, m{"x": -0.1, "y": 0.6, "width": 0.1, "height": 0.1}, "body.body.x"},
		{AnnotationRegion, m{"x": "0", "y": 0.6, "width": 0.1, "height": 0.1}, "body.body.x"},
		{AnnotationRegion, m{"y": 0.6, "width": 0.1, "height": 0.1}, "body.body.x"},
		{AnnotationRegion, m{"x": 0.1, "y": 0.6, "width": 0.1, "height": 0.1, "page": 1.5}, "body.body.page"},
		{AnnotationRange, m{"start": 1.5, "end": 2.25, "unit": "seconds"}, `{"end":2.25,"start":1.5,"unit":"seconds"}`},
		{AnnotationRange, m{"start": 0.0, "end": 10.0, "unit": "chars", "text": "quote"}, `{"end":10,"start":0,"text":"quote","unit":"chars"}`},
		{AnnotationRange, m{"start": 0.5, "end": 10.0, "unit": "chars"}, "body.body.start"},
		{AnnotationRange, m{"start": 2.0, "end": 2.0, "unit": "seconds"}, "body.body.end"},
		{AnnotationRange, m{"start": 2.0, "end": 3.0}, "body.body.unit"},
		{AnnotationRange, m{"start": 2.0, "end": 3.0, "unit": "hours"}, "body.body.unit"},
		{"note", m{"text": "x"}, "body.kind"},
	} {
		got, err := CleanAnnotation(c.kind, c.body, nfc)
		if e, ok := errors.AsType[*Error](err); ok {
			if e.Code != "validation_failed" || e.Fields[0].Location != c.want {
				t.Errorf("%s %v: %v", c.kind, c.body, e.Fields)
			}
			continue
		}
		if err != nil || string(got) != c.want {
			t.Errorf("%s %v: %s, %v, want %s", c.kind, c.body, got, err, c.want)
		}
	}
}

// TestWhoMayDoWhatWithADataset goes through who asks, whom the dataset is shown to,
// and what has been granted.
func TestWhoMayDoWhatWithADataset(t *testing.T) {
	const va, vp = DatasetView | DatasetAnnotate, DatasetView | DatasetPublish
	some := func(r DatasetRights) *DatasetRights { return &r }
	for _, c := range []struct {
		who     OrgRole
		creator bool
		shown   Visibility
		account *DatasetRights
		byRole  *DatasetRights
		want    DatasetRights
	}{
		{who: OrgOwner, shown: VisibleToGrantees, want: AllDatasetRights},
		{who: OrgAdmin, shown: VisibleToGrantees, account: some(DatasetView), want: AllDatasetRights},
		{who: OrgMember, shown: VisibleToOrg, want: va},
		{who: OrgViewer, shown: VisibleToOrg, want: DatasetView},
		{who: OrgMember, shown: VisibleToGrantees, want: NoDatasetRights},
		{who: OrgMember, creator: true, shown: VisibleToGrantees, want: AllDatasetRights},
		{who: OrgViewer, creator: true, shown: VisibleToGrantees, want: NoDatasetRights},
		{who: OrgMember, shown: VisibleToGrantees, byRole: some(va), want: va},
		{who: OrgMember, shown: VisibleToGrantees, byRole: some(vp), account: some(DatasetView), want: DatasetView},
		{who: OrgMember, shown: VisibleToOrg, account: some(vp), want: va | DatasetPublish},
		{who: OrgViewer, shown: VisibleToOrg, account: some(va), want: va},
		{who: OrgViewer, shown: VisibleToGrantees, account: some(vp), want: DatasetView},
		{who: OrgViewer, shown: VisibleToGrantees, byRole: some(DatasetView), want: DatasetView},
	} {
		for _, status := range []AccountStatus{AccountActive, AccountSuspended, AccountInvited, AccountRemoved} {
			f := DatasetFacts{
				OrgFacts: OrgFacts{OrgID: OrgID{1}, AccountID: AccountID{2}, Status: status, Role: c.who},
				Dataset:  Dataset{ID: DatasetID{3}, Status: DatasetPublished, Visibility: c.shown}, Creator: c.creator, Account: c.account, ByRole: c.byRole,
			}
			want := c.want
			if status != AccountActive {
				want = NoDatasetRights
			}
			if got := f.Rights(); got != want {
				t.Errorf("%+v, %s: %s, want %s", c, status, got, want)
			}
			checkDatasetStates(t, f, want)
		}
	}
}

// checkDatasetStates asks for each right in each state of the dataset.
func checkDatasetStates(t *testing.T, f DatasetFacts, rights DatasetRights) {
	t.Helper()
	for _, state := range []DatasetStatus{DatasetDraft, DatasetPublished, DatasetArchived} {
		f.Dataset.Status = state
		for _, want := range []DatasetRights{DatasetView, DatasetAnnotate, DatasetPublish, DatasetManage} {
			var expected error
			switch {
			case !rights.Has(DatasetView), state != DatasetPublished && !rights.Has(DatasetPublish):
				expected = ErrNotFound
			case !rights.Has(want):
				expected = ErrForbidden
			case state == DatasetArchived && (want == DatasetPublish || want == DatasetAnnotate):
				expected = ErrDatasetArchived
			}
			if err := CanInDataset(f, want); !errors.Is(err, expected) {
				t.Errorf("%s with %s in %s: %v, want %v", want, rights, state, err, expected)
			}
		}
	}
	f.Dataset.Status, f.Dataset.DeletedAt = DatasetPublished, time.Unix(1, 0)
	if err := CanInDataset(f, DatasetView); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
}

func TestWhoMayChangeAnAnnotation(t *testing.T) {
	facts := func(role OrgRole, account byte, status DatasetStatus) DatasetFacts {
		return DatasetFacts{
			OrgFacts: OrgFacts{OrgID: OrgID{1}, AccountID: AccountID{account}, Status: AccountActive, Role: role},
			Dataset:  Dataset{ID: DatasetID{3}, Status: status, Visibility: VisibleToOrg},
		}
	}
	a := &Annotation{AuthorID: AccountID{2}}
	for _, c := range []struct {
		who          DatasetFacts
		change, drop error
	}{
		{facts(OrgMember, 2, DatasetPublished), nil, nil},
		{facts(OrgMember, 3, DatasetPublished), ErrForbidden, ErrForbidden},
		{facts(OrgAdmin, 3, DatasetPublished), ErrForbidden, nil},
		{facts(OrgAdmin, 2, DatasetArchived), ErrDatasetArchived, nil},
		{facts(OrgViewer, 2, DatasetPublished), ErrForbidden, ErrForbidden}, // may not annotate any more
		{facts(OrgMember, 2, DatasetArchived), ErrNotFound, ErrNotFound},
	} {
		if err := CanChangeAnnotation(c.who, a); !errors.Is(err, c.change) {
			t.Errorf("%+v changes: %v, want %v", c.who, err, c.change)
		}
		if err := CanDeleteAnnotation(c.who, a); !errors.Is(err, c.drop) {
			t.Errorf("%+v deletes: %v, want %v", c.who, err, c.drop)
		}
	}
}
