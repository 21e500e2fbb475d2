package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"odsd/storage"
)

// replacement puts one store in the place of another, which takes two renames. Whatever ends it,
// the old store or the new one is in its place when a store is opened the next time:
//
//	store      store.restoring   store.replaced
//	old        being made                          the old one stays
//	           new               old               endReplacement puts the old one back
//	new                          old               endReplacement removes the old one
//	new        old, to remove                      the next restore removes it
type replacement struct {
	rename func(from, to string) error
}

func restoringPath(dataDir string) string { return filepath.Join(dataDir, "store.restoring") }
func replacedPath(dataDir string) string  { return filepath.Join(dataDir, "store.replaced") }

// holdsFiles says whether there is a folder that is not empty.
func holdsFiles(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a store: %w", err)
	}
	return len(entries) > 0, nil
}

// anyStore says whether a data directory has a store to open, be it one that is to be put back first.
func anyStore(dataDir string) (bool, error) {
	there, err := holdsFiles(storePath(dataDir))
	if err != nil || there {
		return there, err
	}
	return holdsFiles(replacedPath(dataDir))
}

// endReplacement ends what a killed restore has left: without a store in its place the old one
// is put back, since the command has not said that the new one is there.
func endReplacement(dataDir string) error {
	store, going := storePath(dataDir), replacedPath(dataDir)
	left, err := holdsFiles(going)
	if err != nil || !left {
		return err
	}
	// A restore that is under way has this lock.
	unlock, err := storage.Lock(going)
	if err != nil {
		return err
	}
	defer unlock()
	full, err := holdsFiles(store)
	if err != nil {
		return err
	}
	if full {
		err = discard(dataDir, os.Rename)
	} else {
		err = errors.Join(removeEmpty(store), os.Rename(going, store), syncFolder(dataDir))
	}
	if err != nil {
		return fmt.Errorf("end what an interrupted restore began: %w", err)
	}
	return nil
}

// discard removes the store that was replaced, under a name by which nothing is
// put back: a part of a store is none.
func discard(dataDir string, rename func(from, to string) error) error {
	going, dead := replacedPath(dataDir), restoringPath(dataDir)
	if err := os.RemoveAll(dead); err != nil {
		return err
	}
	if err := rename(going, dead); err != nil {
		return err
	}
	return os.RemoveAll(dead)
}

// replace has make put a store beside the one in dataDir, and then in its place: until
// then nothing of what is there is touched. What is replaced is removed last.
func (r replacement) replace(dataDir string, force bool, make func(to string) error) error {
	if err := endReplacement(dataDir); err != nil {
		return err
	}
	store, coming := storePath(dataDir), restoringPath(dataDir)
	full, err := holdsFiles(store)
	if err != nil {
		return err
	}
	if full {
		// Held to the end: a daemon that runs is not to lose its store, nor one to start in between.
		unlock, err := storage.Lock(store)
		if err != nil {
			return err
		}
		defer unlock()
		if !force {
			return hintf("move %s away, or replace it: odsd restore --force", store).errorf("%s holds a store", dataDir)
		}
	}
	if err := os.RemoveAll(coming); err != nil {
		return fmt.Errorf("remove what an interrupted restore left: %w", err)
	}
	if err := make(coming); err != nil {
		return errors.Join(err, os.RemoveAll(coming))
	}
	if err := r.exchange(dataDir, full); err != nil {
		return fmt.Errorf("put the store into its place: %w", err)
	}
	return nil
}

// exchange puts what was made into its place, and removes what was there before.
func (r replacement) exchange(dataDir string, full bool) error {
	store, coming, going := storePath(dataDir), restoringPath(dataDir), replacedPath(dataDir)
	if !full {
		return errors.Join(removeEmpty(store), r.rename(coming, store), syncFolder(dataDir))
	}
	if err := r.rename(store, going); err != nil {
		return err
	}
	if err := r.rename(coming, store); err != nil {
		return errors.Join(err, os.Rename(going, store))
	}
	// The old one goes when the new one is sure to be there after a crash.
	if err := syncFolder(dataDir); err != nil {
		return err
	}
	return discard(dataDir, r.rename)
}

// removeEmpty removes a folder that holds nothing, if there is one.
func removeEmpty(dir string) error {
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
