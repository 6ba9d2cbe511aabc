package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
)

// emptyTar is an archive without entries.
var emptyTar = make([]byte, 1024)

func digestOf(bytes []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(bytes)) }

// addition reads an addition as it is: the client would have JSON in a string, which no server sends.
func (t *tour) addition(repository, reference, name string) string {
	place := t.base.JoinPath("api/v2.0/projects", home, "repositories", repository, "artifacts", reference, "additions", name)
	_, text := t.ask("GET", place.String(), "", nil)
	return text
}

// send speaks to the registry, and gives the Location of the answer.
func (t *tour) send(method, address, kind string, body []byte) string {
	headers, _ := t.ask(method, address, kind, body)
	return headers.Get("Location")
}

func (t *tour) ask(method, address, kind string, body []byte) (http.Header, string) {
	request, err := http.NewRequestWithContext(t.ctx, method, address, bytes.NewReader(body))
	must(err)
	request.SetBasicAuth(t.user, t.secret)
	request.Header.Set("Content-Type", kind)
	response, err := t.answered.RoundTrip(request)
	must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(err)
	expect(response.StatusCode < 400, "%s %s: %s %s", method, address, response.Status, text)
	return response.Header, string(text)
}

// push makes an image of one empty layer that no other image has the configuration of, and gives
// its digest.
func (t *tour) push(repository, tag string) string {
	config := must2(json.Marshal(map[string]any{
		"os": "linux", "architecture": "amd64", "created": "2026-01-02T03:04:05Z",
		"config":  map[string]any{"Labels": map[string]string{"made-for": repository + ":" + tag}},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{digestOf(emptyTar)}},
		"history": []any{map[string]any{"created_by": "COPY nothing /"}},
	}))
	part := func(kind string, bytes []byte) map[string]any {
		begin := t.send("POST", t.base.JoinPath("v2", repository, "blobs/uploads/").String(), kind, nil)
		place := must2(t.base.Parse(begin))
		query := place.Query()
		query.Set("digest", digestOf(bytes))
		place.RawQuery = query.Encode()
		t.send("PUT", place.String(), "application/octet-stream", bytes)
		return map[string]any{"mediaType": kind, "digest": digestOf(bytes), "size": len(bytes)}
	}
	manifest := must2(json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType,
		"config": part(configType, config), "layers": []any{part(layerType, emptyTar)},
	}))
	t.send("PUT", t.base.JoinPath("v2", repository, "manifests", tag).String(), manifestType, manifest)
	return digestOf(manifest)
}

func must2[T any](value T, err error) T {
	must(err)
	return value
}
