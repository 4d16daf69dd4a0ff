package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/analytics"
	"github.com/seed-755a8038/coffer/core"
)

type analyticsRoutes struct{ analytics *analytics.Service }

const aboutAnalytics = " Views and downloads are those that the link's limits count; previews, prefetches and HEAD requests are none. A visitor counts once a day (UTC), at the time of their first visit of it; who they are is not kept. Numbers are of the calendar in the organisation's time zone: the week that now is in, the period that from is in, or, with to, whole days from from to before to. The licence says what is included: with basic analytics a day or a week in numbers; with advanced also months and years, files, countries and devices; with full also other spans of time, and links."

func (h analyticsRoutes) mount(api huma.API) {
	register(api, operation{
		id: "getShareAnalytics", method: http.MethodGet, path: sharePath + "/analytics", tag: tagShares, codes: []string{"forbidden", "feature_unavailable"},
		summary: "What visitors do with a link",
		about:   "Counts what visitors have done with a link, also with one that has ended, for those who may change it." + aboutAnalytics,
	}, h.ofLink)
	register(api, operation{
		id: "getGroupAnalytics", method: http.MethodGet, path: groupPath + "/analytics", tag: tagGroups, codes: []string{"forbidden", "feature_unavailable", "group_deleted"},
		summary: "What visitors do with a group",
		about:   "Counts what visitors have done with a group and with the groups in it, through whatever link, for those who may edit or share it. Groups count what was in them at the time of a visit." + aboutAnalytics,
	}, h.ofGroup)
}

// SpanInput says of which time analytics are.
type SpanInput struct {
	Period core.Period `query:"period" enum:"day,week,month,year,custom" doc:"Of the calendar, or custom for days from from to before to; left out: custom if there is to, else week" example:"month"`
	From   time.Time   `query:"from" doc:"A time in the period; left out: now. Of custom, a time on its first day" example:"2026-01-01T00:00:00Z"`
	To     time.Time   `query:"to" doc:"Of custom: where it ends; a begun day counts whole" example:"2026-04-01T00:00:00Z"`
}

func (i SpanInput) input() analytics.Input {
	return analytics.Input{Period: i.Period, From: i.From, To: i.To}
}

// TrafficBody is what visitors have done.
type TrafficBody struct {
	Views     int64 `json:"views" doc:"How often something was opened" example:"120"`
	Visitors  int64 `json:"visitors" doc:"By how many visitors, each once a day" example:"48"`
	Downloads int64 `json:"downloads" doc:"How many downloads there were" example:"31"`
}

type trafficPointBody struct {
	Start time.Time `json:"start" doc:"When it begins; it ends with the next one"`
	TrafficBody
}

type assetTrafficBody struct {
	AssetID   core.AssetID `json:"asset_id" format:"uuid" doc:"The file" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	Name      *string      `json:"name" doc:"Its title in the group, or its name; null: it is not there any more" example:"Poster"`
	Views     int64        `json:"views" doc:"How often a link to it alone was opened" example:"12"`
	Downloads int64        `json:"downloads" doc:"How often it was downloaded" example:"31"`
}

type countryTrafficBody struct {
	Country string `json:"country" doc:"ISO 3166-1 code, or unknown" example:"DE"`
	TrafficBody
}

type deviceTrafficBody struct {
	Device core.Device `json:"device" enum:"desktop,mobile,tablet,bot,unknown" doc:"Of what kind, by what it says of itself" example:"mobile"`
	TrafficBody
}

type linkTrafficBody struct {
	ShareID core.ShareLinkID `json:"share_id" format:"uuid" doc:"The link" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e1b"`
	Name    *string          `json:"name" doc:"What its owner calls it; null: nothing" example:"For the client"`
	TrafficBody
	LastAccessedAt *time.Time `json:"last_accessed_at" doc:"When it was last used in that time"`
}

type metricsBody struct {
	TotalViews       int64                 `json:"total_views" doc:"How often something was opened" example:"120"`
	UniqueVisitors   int64                 `json:"unique_visitors" doc:"By how many visitors, each once a day" example:"48"`
	TotalDownloads   int64                 `json:"total_downloads" doc:"How many downloads there were" example:"31"`
	SeriesStep       core.Period           `json:"series_step" enum:"hour,day,month" doc:"How long the points of the series are" example:"day"`
	Series           []trafficPointBody    `json:"series" doc:"The same over time, also when there was nothing"`
	PopularAssets    *[]assetTrafficBody   `json:"popular_assets" nullable:"true" doc:"At most 100 files, the most used first; null: not in the licence"`
	GeographicData   *[]countryTrafficBody `json:"geographic_data" nullable:"true" doc:"By country; null: not in the licence"`
	DeviceTypes      *[]deviceTrafficBody  `json:"device_types" nullable:"true" doc:"By kind of device; null: not in the licence"`
	SharePerformance *[]linkTrafficBody    `json:"share_performance" nullable:"true" doc:"At most 200 links, the most used first; null: not in the licence"`
}

type missingBody struct {
	Part    string       `json:"part" doc:"What is null" example:"share_performance"`
	Feature core.Feature `json:"feature" doc:"What the licence would have to include" example:"full_analytics"`
}

type analyticsBody struct {
	GroupID      *core.GroupID       `json:"group_id" format:"uuid" doc:"The group; null: a link" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	ShareID      *core.ShareLinkID   `json:"share_id" format:"uuid" doc:"The link; null: a group" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e1b"`
	Period       core.Period         `json:"period" enum:"day,week,month,year,custom" doc:"Of which time it is" example:"month"`
	From         time.Time           `json:"from" doc:"When that begins"`
	To           time.Time           `json:"to" doc:"When it ends"`
	TimeZone     string              `json:"time_zone" doc:"Whose calendar it is" example:"Europe/Berlin"`
	Level        core.AnalyticsLevel `json:"level" enum:"basic,advanced,full" doc:"How much the licence includes" example:"advanced"`
	NotIncluded  []missingBody       `json:"not_included" doc:"What the licence does not include"`
	CountedUntil *time.Time          `json:"counted_until" doc:"Visits from then on are not all counted yet; null: all are"`
	Metrics      metricsBody         `json:"metrics" doc:"The numbers"`
}

type analyticsOutput struct{ Body analyticsBody }

type shareAnalyticsInput struct {
	ShareID core.ShareLinkID `path:"share_id" format:"uuid" doc:"The link" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e1b"`
	SpanInput
}

func (h analyticsRoutes) ofLink(ctx context.Context, in *shareAnalyticsInput) (*analyticsOutput, error) {
	a, err := h.analytics.OfLink(ctx, actorOf(ctx), in.ShareID, in.input())
	if err != nil {
		return nil, err
	}
	body := showAnalytics(&a)
	body.ShareID = &in.ShareID
	return &analyticsOutput{body}, nil
}

type groupAnalyticsInput struct {
	GroupID core.GroupID `path:"group_id" format:"uuid" doc:"The group" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	SpanInput
}

func (h analyticsRoutes) ofGroup(ctx context.Context, in *groupAnalyticsInput) (*analyticsOutput, error) {
	a, err := h.analytics.OfGroup(ctx, actorOf(ctx), in.GroupID, in.input())
	if err != nil {
		return nil, err
	}
	body := showAnalytics(&a)
	body.GroupID = &in.GroupID
	return &analyticsOutput{body}, nil
}

func showAnalytics(a *core.Analytics) analyticsBody {
	return analyticsBody{
		Period: a.Period, From: a.From.UTC(), To: a.To.UTC(), TimeZone: a.Zone, Level: a.Level, NotIncluded: showMissing(a),
		CountedUntil: timeOrNull(a.CountedUntil),
		Metrics: metricsBody{
			TotalViews: a.Totals.Views, UniqueVisitors: a.Totals.Visitors, TotalDownloads: a.Totals.Downloads, SeriesStep: a.Step,
			Series: each(a.Series, func(p core.TrafficPoint) trafficPointBody {
				return trafficPointBody{p.Start.UTC(), TrafficBody(p.Traffic)}
			}),
			PopularAssets: shown(a.Assets, func(t core.AssetTraffic) assetTrafficBody {
				return assetTrafficBody{t.AssetID, orNull(t.Name), t.Views, t.Downloads}
			}),
			GeographicData: shown(a.Countries, func(t core.CountryTraffic) countryTrafficBody {
				return countryTrafficBody{t.Country, TrafficBody(t.Traffic)}
			}),
			DeviceTypes: shown(a.Devices, func(t core.DeviceTraffic) deviceTrafficBody {
				return deviceTrafficBody{t.Device, TrafficBody(t.Traffic)}
			}),
			SharePerformance: shown(a.Links, func(t core.LinkTraffic) linkTrafficBody {
				return linkTrafficBody{t.LinkID, orNull(t.Name), TrafficBody(t.Traffic), timeOrNull(t.LastAccessedAt)}
			}),
		},
	}
}

func showMissing(a *core.Analytics) []missingBody {
	missing := []missingBody{}
	if a.Level == core.AnalyticsBasic {
		for _, part := range []string{"popular_assets", "geographic_data", "device_types"} {
			missing = append(missing, missingBody{part, core.FeatureAdvancedStats})
		}
	}
	if a.Level != core.AnalyticsFull {
		missing = append(missing, missingBody{"share_performance", core.FeatureFullStats})
	}
	return missing
}

// shown shows each of some rows; nil: the licence does not include them.
func shown[T, B any](rows []T, show func(T) B) *[]B {
	if rows == nil {
		return nil
	}
	return new(each(rows, show))
}
