// Package contract states, as tests, what every adapter of a port must do. An
// adapter's own test calls one function here and adds only what is peculiar to it.
package contract

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// StoreEnv is a new, empty store with what goes around its units of work.
type StoreEnv struct {
	ports.Store
	Hot        ports.Hot
	Limiter    ports.Limiter
	Inspector  ports.Inspector
	Statistics ports.Statistics
	Uses       ports.KeyUses
	DatasetLog ports.DatasetLog
}

// Store tests that stores opened by open keep the contracts of ports.Store,
// ports.Hot, ports.Limiter and ports.Statistics. open registers its own cleanup.
func Store(t *testing.T, open func(t *testing.T) StoreEnv) {
	for name, test := range map[string]func(storeTest){
		"Tx is complete":                           txComplete,
		"Update undoes everything on error":        updateUndoes,
		"Update undoes everything on panic":        updatePanics,
		"Update fails once its context ends":       updateCancelled,
		"View cannot write":                        viewCannotWrite,
		"Survey sees what is there, cannot write":  survey,
		"View sees one snapshot":                   viewSnapshot,
		"a newcomer comes back equal":              newcomerEqual,
		"an email is taken once":                   emailTaken,
		"of racing signups one has the email":      emailRace,
		"a slug is taken once":                     slugTaken,
		"of concurrent changes one is stored":      userStale,
		"orgs are listed page by page":             orgPages,
		"a token is exchanged once":                tokenOnce,
		"of racing exchanges one succeeds":         tokenRace,
		"a revoked session is over":                sessionRevoked,
		"ended sessions are pruned":                sessionsPruned,
		"the tiers are there":                      tiers,
		"the latest valid licence counts":          licenseInForce,
		"facts of a user":                          factsUser,
		"facts of an org":                          factsOrg,
		"facts of a drive":                         factsDrive,
		"standings are judged as core does":        factsStandings,
		"facts of an asset":                        factsAsset,
		"a reservation comes back equal":           reservationEqual,
		"a reservation in a unit is undone":        reservationUndone,
		"a name is taken once in a folder":         nameTaken,
		"strangers reserve nothing":                reserveStranger,
		"racing reservations stay in the limit":    reserveStorageRace,
		"racing reservations stay in the count":    reserveCountRace,
		"racing reservations stay in the quota":    reserveQuotaRace,
		"a file over the size limit is refused":    reserveTooLarge,
		"without limits anything fits":             reserveUnlimited,
		"an abort gives back, once":                abortOnce,
		"finish and abort exclude each other":      finishAbortRace,
		"a version comes back equal":               versionEqual,
		"another version takes the next number":    versionNext,
		"an asset is saved and listed":             assetSaved,
		"of concurrent asset changes one is kept":  assetStale,
		"lists filter and page":                    assetFilters,
		"a folder lists in byte order":             folderOrder,
		"other orgs see nothing":                   assetIsolation,
		"a purge gives everything back, once":      purgeOnce,
		"used bytes equal what is stored":          usageModel,
		"uploads are due in their order":           uploadsDue,
		"unknown keys are found":                   unknownKeys,
		"a marked copy comes back equal":           markedEqual,
		"of racing marked copies one is stored":    markedRace,
		"marked copies expire":                     markedExpire,
		"marked copies go with their asset":        markedPurged,
		"what is derived comes back equal":         derivedEqual,
		"of racing derivations one is stored":      derivedRace,
		"what failed can be derived again":         derivedRetry,
		"what is undone is found page by page":     derivedUndone,
		"what is derived goes with its asset":      derivedPurged,
		"files are found by the words of texts":    derivedWords,
		"one at a time verifies an upload":         claimOnce,
		"one at a time verifies each upload":       claimMany,
		"each upload of many becomes one version":  finishMany,
		"who verifies an upload goes on alone":     renewOwnClaim,
		"a logout beats a racing exchange":         logoutRace,
		"an answer is kept once":                   idempotencyOnce,
		"an account comes back equal":              accountEqual,
		"other orgs see no accounts":               accountIsolation,
		"nobody is in an org twice":                accountTwins,
		"of concurrent account changes one stays":  accountStale,
		"accounts are filtered and paged":          accountLists,
		"racing invitations stay in the limit":     rosterLimit,
		"a roster counts who counts":               rosterCounts,
		"of racing last owners one stays":          lastOwnerRace,
		"accounts of a user, with invitations":     accountsOfUser,
		"an org comes back equal":                  orgEqual,
		"of concurrent org changes one is stored":  orgStale,
		"a slug is an org's for ever":              slugForEver,
		"of orgs racing for a slug one has it":     slugRace,
		"all orgs are found and paged":             orgListAll,
		"operators see what an org uses":           orgState,
		"a deleted org is invisible":               deletedInvisible,
		"a drive is saved":                         driveSaved,
		"a personal drive passes into custody":     driveHandedOver,
		"a ticket comes back equal, once":          ticketEqual,
		"of racing takers one has the ticket":      ticketRace,
		"only the latest ticket counts":            ticketLatest,
		"of racing tickets one counts":             ticketLatestRace,
		"tickets expire and are pruned":            ticketEnds,
		"sessions of a user are listed and ended":  sessionsOfUser,
		"an identity is one user's":                identityOnce,
		"a changed user comes back equal":          userChanged,
		"users are found and paged":                userList,
		"an audit entry comes back equal":          auditEqual,
		"audit entries are filtered and paged":     auditFilters,
		"a licence is put in place":                licensePut,
		"of racing new licences one is stored":     licenseRace,
		"an assigned licence is in force":          licenseAssigned,
		"a folder comes back equal":                folderEqual,
		"other drives' nodes do not exist":         nodeIsolation,
		"a path leads to a node":                   nodePaths,
		"of racing folders of a name one is made":  folderRace,
		"of racing renames to a name one wins":     renameRace,
		"of concurrent node changes one is kept":   nodeStale,
		"a locked drive has one writer":            driveLocked,
		"racing moves never make a cycle":          noCycles,
		"heights are raised up to the root":        heightsRaised,
		"names of trashed nodes are free":          trashedNamesFree,
		"facts of a node":                          factsNode,
		"what is below the trash is in it":         trashBelow,
		"the trash is listed, latest first":        trashListed,
		"changes come back equal, in order":        changesEqual,
		"a reader misses and repeats no change":    changesFollowed,
		"a pruned cursor has expired":              changesPruned,
		"every order pages to the end, both ways":  everySort,
		"a search finds parts of names":            searchText,
		"a search filters":                         searchFilters,
		"a search stays below its folder":          searchBelow,
		"a subtree is listed, parents first":       subtreeEntries,
		"a subtree tells of others' work":          subtreeMixed,
		"a subtree passes to another drive":        subtreeTransfer,
		"a tree is reaped and gives all back":      reapTree,
		"a tree is reaped while files come in":     reapRace,
		"a limiter lets the burst through":         limiterBurst,
		"a limiter is exact under a race":          limiterRace,
		"an external actor needs no session":       factsExternal,
		"accounts in deleted orgs are found":       accountsInDeletedOrgs,
		"of racing goodbyes one is said":           goneOnce,
		"of owners who go at once one stays":       ownersGoAtOnce,
		"nobody joins while they go":               nobodyJoinsWhileGoing,
		"orgs are due to be purged":                purgesDue,
		"an org is purged piece by piece":          purgedPieceByPiece,
		"racing purges leave each blob once":       purgesRace,
		"a restore and a purge exclude each other": restoreRacesPurge,
		"a server is counted":                      counted,
		"a shared drive has its own name":          driveNames,
		"of racing drives one has the name":        driveNameRace,
		"drives are seen as core judges":           driveVisibility,
		"a drive's member comes back equal":        driveMemberEqual,
		"of racing roles one stays":                driveMemberRace,
		"an org's default drive is changed":        defaultDrive,
		"a page comes with what decides":           pageFacts,
		"deleted drives wait to be removed":        driveDeleted,
		"an API key comes back equal, once":        keyEqual,
		"API keys are filtered and paged":          keyLists,
		"of racing revocations one counts":         keyRevokeRace,
		"facts for a key":                          factsKey,
		"facts for a key that is over":             factsKeyEnds,
		"keys are judged as core does":             keysStandings,
		"a key reserves in its drive only":         keyReserves,
		"uses of keys are stored":                  keyUses,
		"uses of many keys are stored at once":     keyUsesMany,
		"a share link comes back equal":            shareEqual,
		"a share link is saved beside visits":      shareSaved,
		"share links are filtered and paged":       shareLists,
		"share links are seen by who may share":    shareListStandings,
		"links tell that they expire soon":         shareExpiring,
		"an access log is filtered and pruned":     accessLists,
		"share links are found and revoked":        shareFound,
		"a file request takes new files":           shareReserves,
		"a link of a group comes back equal":       groupShareEqual,
		"links of groups are listed":               groupShareLists,
		"a purged group takes its links along":     groupSharePurged,
		"facts of a link of a group":               factsGroupShare,
		"a shared group reaches what is in it":     factsGroupShareReach,
		"a shared group shows no trash":            factsGroupShareTrash,
		"a shared group whose creator changes":     factsGroupShareCreator,
		"racing downloads of a group":              groupShareRace,
		"what leaves a shared group is gone":       groupShareLeft,
		"groups in a shared one are paged":         nestedLists,
		"facts of a share link":                    factsShare,
		"facts of a link whose target goes":        factsShareTarget,
		"facts of a link whose creator changes":    factsShareCreator,
		"a visitor is known in the link's org":     factsVisitor,
		"racing downloads stay in the limit":       visitRace,
		"each kind of access has its count":        visitKinds,
		"visitors who leave disturb nobody":        visitsLeft,
		"a lowered limit holds at once":            visitsLowered,
		"a visit that fails fails alone":           visitsApart,
		"visits are added to the sums once":        trafficCounted,
		"what was visited has a name":              trafficNames,
		"a file counts for the groups it is in":    trafficOfNested,
		"traffic goes with what it is of":          trafficGone,
		"traffic is pruned, visitors forgotten":    trafficPruned,
		"a day has one salt, which goes":           salted,
		"traffic equals a recount of visits":       trafficModel,
		"a product comes back equal":               productEqual,
		"of concurrent product changes one stays":  productStale,
		"racing products stay in the limit":        productLimit,
		"a product that was sold stays":            productRemoved,
		"products are filtered and paged":          productLists,
		"links have an order":                      linkOrder,
		"a transaction comes back equal":           transactionEqual,
		"a buyer has one pending purchase":         pendingOnce,
		"a purchase is completed once":             completedOnce,
		"open transactions are found":              transactionsOpen,
		"transactions are filtered and paged":      transactionLists,
		"sales are counted by period":              salesCounted,
		"a subscription comes back equal":          subscriptionEqual,
		"events are kept, and noted once":          eventsKept,
		"a webhook comes back equal":               webhookEqual,
		"other orgs see no webhooks":               webhookIsolation,
		"of concurrent webhook changes one stays":  webhookStale,
		"racing webhooks stay in the limit":        webhookLimit,
		"webhooks are filtered and paged":          webhookLists,
		"a webhook goes with its deliveries":       webhookRemoved,
		"a delivery comes back equal, once":        deliveryEqual,
		"deliveries are filtered and paged":        deliveryLists,
		"deliveries are given up and pruned":       deliveryEnds,
		"deliveries are due in their order":        deliveriesDue,
		"webhooks of an org share what is due":     deliveriesShared,
		"a silent webhook is due at once":          deliveriesSilent,
		"of racing senders one delivers":           deliveryClaimRace,
		"a delivery outlives its sender":           deliveryLeaseOver,
		"a report comes back equal":                reportEqual,
		"a run of a report comes back equal":       reportRunEqual,
		"other orgs see no reports":                reportIsolation,
		"of concurrent report changes one stays":   reportStale,
		"racing reports stay in the limit":         reportLimit,
		"racing schedulers plan a time once":       reportPlannedOnce,
		"racing senders begin a run once":          reportRunBegunOnce,
		"due reports are found in order":           reportDue,
		"reports are paged":                        reportLists,
		"runs of a report are filtered and paged":  reportRunLists,
		"runs wait until somebody may go on":       reportRunsWait,
		"a report goes with its runs":              reportRemoved,
		"runs of reports are pruned":               reportRunsPruned,
		"events wait where a webhook listens":      eventsWait,
		"racing tellers tell of events once":       eventsToldOnce,
		"events are filtered as they are followed": eventsFiltered,
		"numbering and telling do not deadlock":    eventsLocked,
		"a follower misses and repeats no event":   eventsFollowed,
		"events are numbered as they are seen":     eventsNumbered,
		"what is bought is there for the buyer":    entitled,
		"an entitlement ends":                      entitlementEnds,
		"an entitlement is given once":             entitledOnce,
		"holders of a product are found":           holdersFound,
		"a bought folder is looked into":           boughtContents,
		"what was bought is counted":               liveBelow,
		"what is sold is not removed":              soldOrRemoved,
		"a group comes back equal":                 groupEqual,
		"of concurrent group changes one stays":    groupStale,
		"racing groups stay in the limit":          groupLimit,
		"groups are filtered and paged":            groupLists,
		"racing moves of groups make no cycle":     groupNoCycles,
		"a deleted group takes what is below it":   groupDeleted,
		"permissions of a group come back equal":   groupPermissionsEqual,
		"facts of a group":                         factsGroup,
		"facts of a group for strangers":           factsGroupStrangers,
		"what is in a group comes back equal":      groupAssetEqual,
		"what is in a group has an order":          groupAssetOrder,
		"a group pages in every order":             groupAssetPages,
		"racing files stay in a group's limit":     groupAssetLimit,
		"a file that goes leaves its groups":       groupAssetGone,
		"what may come into a group":               groupCandidates,
		"an ingest session comes back equal":       ingestSessionEqual,
		"ingest sessions end":                      ingestSessionsDue,
		"items are stored, found twice and gone":   ingestItemsStored,
		"files of a session are found by name":     ingestFilesResolved,
		"what datasets show is counted":            datasetShows,
		"of racing publishers one publishes":       ingestRace,
		"an item comes back equal":                 itemEqual,
		"items are filtered and paged":             itemsFiltered,
		"items are found by the texts of files":    itemsTold,
		"facts of an item for strangers":           factsItemStrangers,
		"what a dataset shows is found":            shownAssets,
		"grants of a dataset come back equal":      datasetGrantsEqual,
		"datasets are listed as core judges":       datasetLists,
		"an annotation comes back equal":           annotationEqual,
		"of racing edits of an annotation one is":  annotationRace,
		"accesses to datasets are kept":            datasetAccesses,
	} {
		t.Run(name, func(t *testing.T) { test(storeTest{T: t, StoreEnv: open(t), n: new(atomic.Uint64)}) })
	}
}

// noon is when everything happens: to the microsecond, as stores keep it.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC)

type storeTest struct {
	*testing.T
	StoreEnv
	n *atomic.Uint64
}

// id returns the next id of this test; ids sort in the order of their making.
func (s storeTest) id() (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], 0x0193_0000_0000_7000)
	binary.BigEndian.PutUint64(id[8:], 0x8000_0000_0000_0000|s.n.Add(1))
	return id
}

func (s storeTest) update(fn func(tx ports.Tx) error) {
	s.Helper()
	s.must(s.Update(s.Context(), fn))
}

func (s storeTest) view(fn func(tx ports.Tx) error) {
	s.Helper()
	s.must(s.View(s.Context(), fn))
}

func (s storeTest) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s storeTest) wantErr(got, want error) {
	s.Helper()
	if !errors.Is(got, want) {
		s.Errorf("error = %v, want %v", got, want)
	}
}

func (s storeTest) equal(got, want any) {
	s.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); d != "" {
		s.Errorf("(-want +got)\n%s", d)
	}
}

// person is somebody who has signed up.
type person struct {
	user    *core.User
	org     *core.Org
	account *core.Account
	drive   *core.Drive
	session *core.Session
}

func (p person) actor() core.Actor {
	return core.Actor{Kind: core.ActorAccount, UserID: p.user.ID, SessionID: p.session.ID, ActiveOrg: p.org.ID}
}

func (s storeTest) newPerson(name string) person {
	org := core.NewPersonalOrg(core.OrgID(s.id()), name, name, noon)
	user := core.NewUser(core.UserID(s.id()), name+"@example.com", name, "$argon2id$"+name, org.ID, noon)
	account := core.NewOwner(core.AccountID(s.id()), org.ID, user.ID, noon)
	from := core.Client{Address: "192.0.2.1", UserAgent: "test"}
	return person{
		user: user, org: org, account: account, drive: core.NewPersonalDrive(core.DriveID(s.id()), org.ID, account.ID, noon),
		session: core.NewSession(core.SessionID(s.id()), user.ID, []byte("token of "+name), from, noon, time.Hour),
	}
}

func (p person) add(ctx context.Context, tx ports.Tx) error {
	return errors.Join(tx.Orgs.Add(ctx, p.org, p.drive.ID), tx.Users.Add(ctx, p.user), tx.Accounts.Add(ctx, p.account),
		tx.Drives.Add(ctx, p.drive), tx.Sessions.Add(ctx, p.session))
}

// signUp stores a new person.
func (s storeTest) signUp(name string) person {
	s.Helper()
	p := s.newPerson(name)
	s.update(func(tx ports.Tx) error { return p.add(s.Context(), tx) })
	return p
}
