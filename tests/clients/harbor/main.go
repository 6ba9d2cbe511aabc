// Command harbor walks through everything that Berth answers of Harbor's API with Harbor's own Go
// client, generated from Harbor's document: a status that the document does not name, or a value of
// another type, is an error. Whatever docs/harbor-compatibility.md calls built must be called.
//
//	harbor URL USER PASSWORD COMPATIBILITY.md
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	httptransport "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"
	"github.com/go-openapi/swag"
	"github.com/goharbor/go-client/pkg/harbor"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client"
)

// tour is one walk: who walks, and what was answered.
type tour struct {
	ctx      context.Context
	base     *url.URL
	user     string
	secret   string
	api      *client.HarborAPI
	answered *answered
}

// answered remembers what was asked: "GET /projects/1". What is refused against the document stops
// the walk.
type answered struct {
	lock     sync.Mutex
	requests map[string]bool
	last     string
}

// RoundTrip sends a request.
func (a *answered) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := harbor.InsecureTransport.RoundTrip(request)
	if err == nil {
		a.lock.Lock()
		defer a.lock.Unlock()
		a.last = request.Method + " " + strings.TrimPrefix(request.URL.EscapedPath(), "/api/v2.0")
		a.requests[a.last] = true
	}
	return response, err
}

// as gives a client for somebody; what it calls counts for the same walk.
func (t *tour) as(user, secret string) *client.HarborAPI {
	config := harbor.Config{
		URL: t.base, AuthInfo: httptransport.BasicAuth(user, secret), Transport: t.answered,
	}
	return client.New(config.ToV2Config())
}

// failure stops the walk with a sentence.
type failure struct{ error }

// ok gives the answer, or stops the walk.
func ok[T any](answer T, err error) T {
	if err != nil {
		panic(failure{err})
	}
	if valid, is := any(answer).(interface{ Validate(strfmt.Registry) error }); is {
		must(valid.Validate(strfmt.Default))
	}
	payload := reflect.ValueOf(answer)
	if payload.Kind() == reflect.Pointer && !payload.IsNil() {
		if field := payload.Elem().FieldByName("Payload"); field.IsValid() {
			validate(field)
		}
	}
	return answer
}

// validate holds an answer to the document's rules for its values.
func validate(value reflect.Value) {
	if value.Kind() == reflect.Slice {
		for i := range value.Len() {
			validate(value.Index(i))
		}
		return
	}
	if value.Kind() == reflect.Pointer && value.IsNil() {
		return
	}
	if valid, is := value.Interface().(interface{ Validate(strfmt.Registry) error }); is {
		must(valid.Validate(strfmt.Default))
	}
}

func must(err error) {
	if err != nil {
		panic(failure{err})
	}
}

// why gives what the server said of a refusal.
func why(err error) string {
	text, _ := json.Marshal(err)
	return string(text)
}

// expect stops the walk unless something holds.
func expect(holds bool, format string, values ...any) {
	if !holds {
		panic(failure{fmt.Errorf(format, values...)})
	}
}

// idOf reads the id at the end of a Location.
func idOf(location string) int64 {
	id, err := swag.ConvertInt64(location[strings.LastIndex(location, "/")+1:])
	must(err)
	return id
}

// operation is a row of the compatibility document.
type operation struct {
	name    string
	request *regexp.Regexp
	holes   int
}

// built lists the operations that the compatibility document calls built.
func built(path string) []operation {
	text, err := os.ReadFile(path)
	must(err)
	row := regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\| `([A-Z]+ [^`]*)` .*\\| built \\|$")
	hole := regexp.MustCompile(`\\\{[a-z_]+\\\}`)
	var operations []operation
	for _, match := range row.FindAllStringSubmatch(string(text), -1) {
		quoted := regexp.QuoteMeta(match[2])
		request := regexp.MustCompile("^" + hole.ReplaceAllString(quoted, "[^/]+") + "/?$")
		operations = append(operations, operation{match[1], request, strings.Count(match[2], "{")})
	}
	return operations
}

// uncalled names the operations that no request was for. A request is for the operation that
// leaves least of its path open.
func uncalled(operations []operation, requests map[string]bool) []string {
	slices.SortStableFunc(operations, func(a, b operation) int { return a.holes - b.holes })
	called := map[string]bool{}
	for request := range requests {
		for _, operation := range operations {
			if operation.request.MatchString(request) {
				called[operation.name] = true
				break
			}
		}
	}
	var names []string
	for _, operation := range operations {
		if !called[operation.name] {
			names = append(names, operation.name)
		}
	}
	return names
}

func main() {
	step := "begin"
	answered := &answered{requests: map[string]bool{}}
	defer func() {
		if cause := recover(); cause != nil {
			failed, is := cause.(failure)
			if !is {
				panic(cause)
			}
			fmt.Fprintf(os.Stderr, "%s, after %s: %v\n%s\n", step, answered.last, failed.error, why(failed.error))
			os.Exit(1)
		}
	}()
	expect(len(os.Args) == 5, "usage: harbor URL USER PASSWORD COMPATIBILITY.md")
	base, err := url.Parse(os.Args[1])
	must(err)
	t := &tour{
		ctx: context.Background(), base: base, user: os.Args[2], secret: os.Args[3],
		answered: answered,
	}
	t.api = t.as(t.user, t.secret)
	for _, part := range []struct {
		name string
		walk func(*tour)
	}{
		{"system", system},
		{"people", people},
		{"projects", projects},
		{"images", images},
		{"rules", rules},
		{"robots", robots},
		{"webhooks", webhooks},
		{"jobs", jobs},
		{"scanning", scanning},
		{"the end", leave},
	} {
		step = part.name
		part.walk(t)
	}
	step = "coverage"
	operations := built(os.Args[4])
	missing := uncalled(operations, t.answered.requests)
	expect(len(missing) == 0, "built, but never called: %s", strings.Join(missing, ", "))
	fmt.Printf("%d operations\n", len(operations))
}
