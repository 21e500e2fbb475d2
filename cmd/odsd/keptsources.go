package main

import (
	"context"
	"errors"
	"time"

	"odsd/engine"
	"odsd/engine/postgres"
	"odsd/storage/backup"
	"odsd/storage/relation"
)

// keptSource is a source of a backup, as reports tell of it.
type keptSource struct {
	Name        string     `json:"name"`
	LSN         string     `json:"lsn"`
	CommittedAt *time.Time `json:"committedAt"`
	// Held is the slot that keeps what follows, "" for none; SlotWALBytes the log that the
	// database keeps for it.
	Held         string `json:"held"`
	SlotWALBytes *int64 `json:"slotWalBytes"`
	// Covered says whether a restore goes on from CoveredBy as things are; null where the
	// database was not reached. Where it is false the source is copied anew, for the reason in Error.
	Covered   *bool         `json:"covered"`
	CoveredBy string        `json:"coveredBy"`
	Error     *engine.Fault `json:"error"`
}

// keptSources finds out whether slots still have what follows a backup.
func keptSources(ctx context.Context, m *backup.Manifest, sources []engine.Source, holdings map[string]*holding) []keptSource {
	all := []keptSource{}
	for _, s := range m.Sources {
		kept := keptSource{Name: s.Name, LSN: s.LSN, CommittedAt: s.CommittedAt, Held: s.Held}
		source := postgresSource(sources, s.Name)
		switch {
		case !s.Resumes:
			kept.Covered, kept.Error = new(bool), &engine.Fault{Code: "COPYING", Message: "its copy was not complete"}
		case source == nil:
			kept.Error = &engine.Fault{Code: "CONFIG", Message: "the project has no such source, or its file has errors"}
		default:
			kept.look(ctx, source, s)
		}
		if h := holdings[s.Name]; h != nil && h.err != nil && kept.Error == nil {
			kept.Error = shownFault(h.err)
		}
		all = append(all, kept)
	}
	return all
}

// look asks the database.
func (k *keptSource) look(ctx context.Context, source *postgres.Source, s backup.Source) {
	ctx, cancel := context.WithTimeout(ctx, askSlots)
	defer cancel()
	var by string
	position, err := s.Position()
	if err == nil {
		by, err = source.Covers(ctx, position, s.Held)
	}
	covered := err == nil
	if covered || postgres.LostForGood(err) {
		k.Covered, k.CoveredBy = &covered, by
	}
	k.Error = shownFault(err)
	if s.Held == "" {
		return
	}
	if held, err := source.ReadHeld(ctx, s.Held); err == nil && held != nil && held.Retained >= 0 {
		k.SlotWALBytes = &held.Retained
	}
}

func shownFault(err error) *engine.Fault {
	var halt *engine.Halt
	switch {
	case err == nil:
		return nil
	case errors.As(err, &halt):
		return &engine.Fault{Code: halt.Code, Message: halt.Message, Hint: halt.Hint}
	}
	return &engine.Fault{Code: "INTERNAL", Message: err.Error()}
}

func (k keptSource) lsn() string {
	if k.LSN == relation.Position(0).String() {
		return "-"
	}
	return k.LSN
}

func (k keptSource) keptLog() string {
	if k.SlotWALBytes == nil {
		return "-"
	}
	return bytesText(*k.SlotWALBytes)
}

// future is what a restore leads to, in words.
func (k keptSource) future() string {
	switch {
	case k.Covered == nil && k.Error != nil:
		return "not known: " + k.Error.Message
	case k.Covered != nil && *k.Covered && k.CoveredBy != k.Held && k.Held == "" && k.Error != nil:
		return "goes on from " + k.CoveredBy + " until that moves on; nothing is held: " + k.Error.Message
	case k.Covered != nil && *k.Covered && k.Held == "":
		return "goes on from " + k.CoveredBy + ", until that moves on"
	case k.Covered != nil && *k.Covered && k.CoveredBy != k.Held:
		return "goes on from " + k.CoveredBy + ", else from " + k.Held
	case k.Covered != nil && *k.Covered:
		return "goes on from " + k.CoveredBy
	case k.Error != nil:
		return "copies it anew: " + k.Error.Message
	}
	return "copies it anew"
}
