package server

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/identity"
)

// Where credentials are configured people sign in to the console with one. The
// browser then has a cookie, which stands for the credential: what comes with it
// is allowed what a signature by the credential would be, for the same tenant.
//
// Browsers send cookies also for pages of others. So the cookie is SameSite, and
// a request with it is believed only if the browser says that a page of ours
// sent it, or if it could not have been sent by another: see ofOurPages.

// maxSignIn bounds the body of what is asked by who is not known yet.
const maxSignIn = 4 << 10

// sessionPages are how people sign in.
func (s *Server) sessionPages() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		api.SessionPath: s.console(console{
			http.MethodGet:    {name: "GetSession", most: maxSignIn, public: s.getSession},
			http.MethodPost:   {name: "SignIn", most: maxSignIn, public: s.signIn},
			http.MethodDelete: {name: "SignOut", most: maxSignIn, public: s.signOut},
		}),
	}
}

func (s *Server) getSession(w http.ResponseWriter, r *http.Request, _ []byte) (any, error) {
	if s.o.Guard.Open() {
		return &api.SignedIn{}, nil
	}
	token, there := sessionToken(r)
	if !there {
		return &api.SignedIn{Needed: true}, nil
	}
	if err := ofOurPages(r); err != nil {
		return nil, err
	}
	session, err := s.o.Guard.Session(token)
	if err != nil {
		forgetSession(w, r)
		return &api.SignedIn{Needed: true}, nil
	}
	return signedIn(session), nil
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request, body []byte) (any, error) {
	var request api.SignIn
	if err := api.DecodePage(body, &request); err != nil {
		return nil, err
	}
	if s.o.Guard.Open() {
		return nil, api.Invalid("there are no credentials here: everybody may do everything, and nobody signs in")
	}
	for name, value := range map[string]string{"AccessKeyId": request.AccessKeyID, "SecretAccessKey": request.SecretAccessKey} {
		if value == "" {
			return nil, api.Invalid(name + " is required")
		}
	}
	from := sender(r)
	token, session, err := s.o.Guard.SignIn(identity.Proof{AccessKeyID: request.AccessKeyID, Secret: request.SecretAccessKey, Token: request.SessionToken, From: from})
	if err != nil {
		known := "" // what nobody has as an access key may be a secret, in the wrong field
		if s.o.Guard.Knows(request.AccessKeyID) {
			known = request.AccessKeyID
		}
		s.o.Logger.Warn("somebody could not sign in", "access_key", known, "from", from, "error", err)
		return nil, err
	}
	if old, there := sessionToken(r); there {
		s.o.Guard.SignOut(old)
	}
	setSession(w, r, token, int(identity.SessionLife/time.Second))
	s.o.Logger.Info("somebody signed in", "access_key", session.Credential.AccessKeyID, "tenant", session.Credential.Tenant, "from", from)
	return signedIn(session), nil
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request, _ []byte) (any, error) {
	if token, there := sessionToken(r); there {
		if err := ofOurPages(r); err != nil {
			return nil, err
		}
		if !s.o.Guard.Open() {
			s.o.Guard.SignOut(token)
		}
		forgetSession(w, r)
	}
	return &api.SignedIn{Needed: !s.o.Guard.Open()}, nil
}

func signedIn(session *identity.Session) *api.SignedIn {
	is := session.Credential
	return &api.SignedIn{Needed: true, Session: &api.Session{
		AccessKeyID: is.AccessKeyID, Name: is.Name, Tenant: is.Tenant, Actions: is.Actions, Allowed: is.Allowed(), Ends: api.TimeOf(session.Ends),
	}}
}

// bySession says who asks by the cookie of a session. Without one, or with a
// signature, which tells more, it says nothing.
func (s *Server) bySession(r *http.Request) (*caller, error) {
	token, there := sessionToken(r)
	if !there || strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-") {
		return nil, nil
	}
	if err := ofOurPages(r); err != nil {
		return nil, err
	}
	session, err := s.o.Guard.Session(token)
	if err != nil {
		return nil, err
	}
	return &caller{tenant: session.Credential.Tenant, credential: session.Credential}, nil
}

// ofOurPages says why a request with a cookie may come from a page of another
// site. What is only read has to be from a page of ours as the browser tells,
// or to have a header that others cannot send. Everything else has to be from
// a page of ours, and of a type that forms cannot send.
func ofOurPages(r *http.Request) error {
	marked := r.Header.Get(api.ConsoleHeader) != ""
	told, ours := fromOurPages(r)
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case told && !ours:
		return foreign("a page of another site asks")
	case !told && !(reads && marked):
		return foreign("the browser does not tell which page asks")
	case !reads && !marked && !isJSON(r):
		return &api.Error{Name: api.UnsupportedMediaTypeException, Status: http.StatusUnsupportedMediaType, Message: "with a cookie the Content-Type has to be application/json"}
	}
	return nil
}

// fromOurPages reads what a browser tells of the page that sends a request:
// always for what is not read, and else where the connection is trusted.
func fromOurPages(r *http.Request) (told, ours bool) {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	if site == "" && origin == "" {
		return false, false
	}
	if site != "" && site != "same-origin" && site != "none" {
		return true, false
	}
	if origin != "" {
		from, err := url.Parse(origin)
		if err != nil || from.Host == "" || !strings.EqualFold(from.Host, r.Host) || r.TLS != nil && from.Scheme != "https" {
			return true, false
		}
	}
	return true, true
}

func foreign(why string) error {
	return &api.Error{Name: api.AccessDeniedException, Status: http.StatusForbidden, Message: why + ": a session is for the pages of the console only"}
}

// sessionCookie names the cookie. Browsers do not tell ports of one host apart,
// but two servers have to be. With TLS they see to it that it came from this
// host, by TLS, and not from one beside it.
func sessionCookie(r *http.Request) string {
	name := "tomo-session"
	if _, port, found := strings.Cut(r.Host[strings.LastIndexByte(r.Host, ']')+1:], ":"); found && isDigits(port) {
		name += "-" + port
	}
	if isSecure(r) {
		return "__Host-" + name
	}
	return name
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// isSecure reports whether the browser speaks TLS, with us or with a proxy that
// says so. Who lies about that only gets a cookie that they do not send again.
func isSecure(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// sessionToken reads the cookie. Of two nobody knows which is ours: somebody put
// one there, and there is a token that no session has.
func sessionToken(r *http.Request) (token string, there bool) {
	cookies := r.CookiesNamed(sessionCookie(r))
	switch len(cookies) {
	case 0:
		return "", false
	case 1:
		return cookies[0].Value, true
	}
	return "", true
}

func setSession(w http.ResponseWriter, r *http.Request, token string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie(r), Value: token, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: isSecure(r), SameSite: http.SameSiteStrictMode})
}

func forgetSession(w http.ResponseWriter, r *http.Request) { setSession(w, r, "", -1) }

// sender is the address that a request comes from.
func sender(r *http.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(r.RemoteAddr)
	return at.Addr()
}

// credentialPages are about the credentials of the caller's tenant.
func (s *Server) credentialPages() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		api.CredentialsPath: s.console(console{
			http.MethodGet:    {name: "GetCredentials", action: identity.GetCredentials, most: maxSignIn, by: s.getCredentials},
			http.MethodPost:   {name: "AddCredential", action: identity.PutCredentials, most: maxQuestion, by: s.addCredential},
			http.MethodDelete: {name: "RemoveCredentials", action: identity.PutCredentials, most: maxQuestion, by: s.removeCredentials},
		}),
	}
}

func (s *Server) getCredentials(_ context.Context, who *caller, _ []byte) (any, error) {
	if who.credential == nil {
		answer := &api.Credentials{Credentials: []api.Credential{}}
		if s.o.Guard != nil {
			answer.File = s.o.Guard.File().Path()
		}
		return answer, nil
	}
	file := s.o.Guard.File()
	list, err := file.List()
	if err != nil {
		return nil, err
	}
	answer := &api.Credentials{Needed: true, File: file.Path(), Credentials: []api.Credential{}}
	for i := range list {
		if list[i].Tenant == who.tenant {
			answer.Credentials = append(answer.Credentials, shownCredential(&list[i], who))
		}
	}
	return answer, nil
}

func shownCredential(c *identity.Credential, who *caller) api.Credential {
	shown := api.Credential{AccessKeyID: c.AccessKeyID, Name: c.Name, Tenant: c.Tenant, Actions: c.Actions, Created: api.TimeOf(c.Created), Temporary: c.Temporary,
		Yours: c.AccessKeyID == who.credential.AccessKeyID}
	if !c.Expires.IsZero() {
		shown.Expires = new(api.TimeOf(c.Expires))
	}
	return shown
}

// Limits of a credential that is made by the console.
const (
	maxActions  = 64
	minLifetime = 15 * 60              // seconds
	maxLifetime = 10 * 366 * 24 * 3600 // ten years
)

func (s *Server) addCredential(_ context.Context, who *caller, body []byte) (any, error) {
	var request api.NewCredential
	if err := api.DecodePage(body, &request); err != nil {
		return nil, err
	}
	if who.credential == nil {
		return nil, api.Invalid("there are no credentials here yet: the first is made on the server's machine, with tomo credentials add --actions admin")
	}
	wish := identity.Wish{Name: request.Name, Tenant: who.tenant, Actions: request.Actions}
	if request.Name != "" {
		if err := identity.CheckName(request.Name); err != nil {
			return nil, api.Invalid("Name: " + err.Error())
		}
	}
	if len(request.Actions) > maxActions {
		return nil, api.Invalid(fmt.Sprintf("Actions has %d elements; the limit is %d", len(request.Actions), maxActions))
	}
	if err := identity.CheckActions(request.Actions); err != nil {
		return nil, api.Invalid("Actions: " + err.Error())
	}
	if err := who.credential.Grantable(request.Actions); err != nil {
		return nil, &api.Error{Name: api.AccessDeniedException, Status: http.StatusForbidden, Message: "Actions: " + err.Error()}
	}
	if l := request.Lifetime; l != nil {
		if *l < minLifetime || *l > maxLifetime {
			return nil, api.Invalid(fmt.Sprintf("Lifetime is %d seconds; it is from %d (15 minutes) to %d (10 years)", *l, minLifetime, maxLifetime))
		}
		wish.Lifetime = time.Duration(*l) * time.Second
	}
	issued, err := s.o.Guard.File().Add(wish, time.Now())
	if err != nil {
		return nil, err
	}
	s.o.Guard.Follow()
	s.o.Logger.Info("a credential was added", "access_key", issued.AccessKeyID, "tenant", issued.Tenant, "actions", issued.Actions, "by", who.credential.AccessKeyID)
	return &api.IssuedCredential{Credential: shownCredential(&issued.Credential, who), SecretAccessKey: issued.SecretAccessKey, SessionToken: issued.SessionToken}, nil
}

func (s *Server) removeCredentials(ctx context.Context, who *caller, body []byte) (any, error) {
	var request api.CredentialKeys
	if err := api.DecodePage(body, &request); err != nil {
		return nil, err
	}
	if len(request.AccessKeyIDs) == 0 {
		return nil, api.Invalid("AccessKeyIds names no credential")
	}
	if who.credential == nil {
		return nil, api.Invalid("there are no credentials here")
	}
	gone := map[string]bool{}
	for _, id := range request.AccessKeyIDs {
		gone[id] = true
	}
	now := time.Now()
	err := s.o.Guard.File().RemoveIf(request.AccessKeyIDs, now, func(before []identity.Credential) error {
		left := 0
		for i := range before {
			is := &before[i]
			switch {
			case is.Tenant != who.tenant:
			case gone[is.AccessKeyID]:
				delete(gone, is.AccessKeyID)
			case is.May(identity.PutCredentials) && !is.Temporary && is.Expires.IsZero():
				left++
			}
		}
		for id := range gone { // of others, or of nobody, which is nobody's business
			return api.Invalid("there is no credential " + id)
		}
		if left == 0 {
			return api.Invalid("nobody could change credentials here any more: one that may, and does not end, has to stay")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.o.Guard.Follow()
	s.o.Logger.Info("credentials were removed", "access_keys", request.AccessKeyIDs, "tenant", who.tenant, "by", who.credential.AccessKeyID)
	return s.getCredentials(ctx, who, nil)
}
