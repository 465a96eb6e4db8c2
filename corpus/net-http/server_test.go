package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestLiveAnswers(t *testing.T) {
	recorder := httptest.NewRecorder()
	(&server{}).live(recorder, httptest.NewRequest(http.MethodGet, "/livez", nil))
	if recorder.Code != http.StatusNoContent {
		t.Fatalf("got %d", recorder.Code)
	}
}
