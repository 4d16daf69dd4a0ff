package e2e

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

func TestTokensExpireAndCannotBeForged(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, eve := s.signUp("ana"), s.signUp("eve")
		part := strings.Split(ana.token, ".")
		encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
		payload, err := base64.RawURLEncoding.DecodeString(part[1])
		if err != nil {
			t.Fatal(err)
		}
		none := encode(`{"alg":"none","typ":"JWT"}`)
		for what, token := range map[string]string{
			"no algorithm":        none + "." + part[1] + ".",
			"no algorithm, mixed": encode(`{"alg":"nOnE"}`) + "." + part[1] + "." + part[2],
			"another algorithm":   encode(`{"alg":"RS256","typ":"JWT"}`) + "." + part[1] + "." + part[2],
			"a key of its own":    encode(`{"alg":"HS256","kid":"../../dev/null"}`) + "." + part[1] + "." + part[2],
			"other claims":        part[0] + "." + encode(strings.ReplaceAll(string(payload), "a", "b")) + "." + part[2],
			"another's signature": part[0] + "." + part[1] + "." + strings.Split(eve.token, ".")[2],
			"an empty token":      "", "spaces": " ", "a refresh token": ana.refresh, "a long token": strings.Repeat("a", 20_000),
		} {
			a := ana.ask("GET", "/api/me", nil, with{"Authorization": "Bearer " + token})
			if a.isProblem(http.StatusUnauthorized, "unauthenticated"); strings.Contains(string(a.body), "panic") {
				t.Errorf("%s: %s", what, a.body)
			}
		}
		for _, header := range []string{"Basic YW5hOng=", "Bearer", ana.token, "Bearer " + ana.token + " " + ana.token} {
			ana.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil, with{"Authorization": header})
		}
		ana.want(http.StatusOK, "GET", "/api/me", nil, with{"Authorization": "bearer " + ana.token})

		s.restart(settings{"COFFER_CLOCK_OFFSET": "59m"})
		ana.want(http.StatusOK, "GET", "/api/me", nil)
		s.restart(settings{"COFFER_CLOCK_OFFSET": "61m"})
		ana.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)
		ana.token = s.anybody().want(http.StatusOK, "POST", "/api/auth/refresh", object{"refresh_token": ana.refresh}).text("access_token")
		ana.want(http.StatusOK, "GET", "/api/me", nil)
		s.restart(settings{"COFFER_CLOCK_OFFSET": "721h"}) // 30 days and an hour after eve's token was made
		eve.refused(http.StatusUnauthorized, "invalid_refresh_token", "POST", "/api/auth/refresh", object{"refresh_token": eve.refresh})
	})
}
