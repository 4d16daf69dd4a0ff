package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestAnAddressIsOneUser(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		nobody := s.anybody()
		up := func(email string) object { return object{"email": email, "password": password, "name": "Ana"} }
		answers := race(t, 8, func(i int) (*answer, error) {
			email := []string{"ana@example.com", "Ana@Example.com", "ANA@EXAMPLE.COM", " ana@example.com "}[i%4]
			return nobody.try("POST", "/api/auth/signup", up(email))
		})
		n := statuses(answers)
		if n[http.StatusCreated] != 1 || n[http.StatusConflict] != 7 {
			t.Errorf("racing sign-ups: %v", n)
		}
		for _, a := range answers {
			if a.status == http.StatusConflict {
				a.isProblem(http.StatusConflict, "email_taken")
			}
		}
		nobody.want(http.StatusCreated, "POST", "/api/auth/signup", up("J\u00fcrgen@example.com"))
		nobody.refused(http.StatusConflict, "email_taken", "POST", "/api/auth/signup", up("ju\u0308rgen@example.com"))
		nobody.refused(http.StatusConflict, "email_taken", "POST", "/api/auth/signup", up("J\u00dcRGEN@example.com"))
		nobody.want(http.StatusOK, "POST", "/api/auth/login", object{"email": "ANA@example.com", "password": password})

		for _, bad := range []object{
			{},
			up(""), up("ana"), up("@"), up("a@b@c"), up("a b@example.com"), up("a@" + strings.Repeat("b", 260)), up("a\u202eb@example.com"),
			up("new@example.com").but(object{"password": "short"}), up("new@example.com").but(object{"password": strings.Repeat("p", 1025)}),
			up("new@example.com").but(object{"name": strings.Repeat("n", 201)}), up("new@example.com").but(object{"name": "a\nb"}),
			up("new@example.com").but(object{"platform_admin": true}), up("new@example.com").but(object{"password": 12345678}),
		} {
			a := nobody.ask("POST", "/api/auth/signup", bad)
			a.isProblem(http.StatusUnprocessableEntity, "validation_failed")
			if errs, _ := a.get("errors").([]any); len(errs) == 0 {
				t.Errorf("%v: %s", bad, a.body)
			}
		}
		nobody.want(http.StatusCreated, "POST", "/api/auth/signup", object{"email": "new@example.com", "password": password})

		// Nobody waits for ever, and memory is bounded, when many log in at once.
		answers = race(t, 24, func(i int) (*answer, error) {
			return nobody.try("POST", "/api/auth/login", object{"email": fmt.Sprintf("nobody%d@example.com", i), "password": password})
		})
		if n := statuses(answers); n[http.StatusUnauthorized] != 24 {
			t.Errorf("racing logins: %v", n)
		}
	})
}
