package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// copying copies files, checks their sums and tells how far it is.
type copying struct {
	ctx         context.Context
	done, known int64
	show        Progress
	buffer      []byte
}

// copyChunk is how much is copied before somebody who waits is told, or obeyed.
const copyChunk = 1 << 20

// file copies one file, durably, and gives what it has read.
func (c *copying) file(from, to string) (size int64, sum string, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if c.buffer == nil {
		c.buffer = make([]byte, copyChunk)
	}
	hash := sha256.New()
	for {
		if err := c.ctx.Err(); err != nil {
			return 0, "", err
		}
		n, readErr := io.ReadFull(in, c.buffer)
		if n > 0 {
			hash.Write(c.buffer[:n])
			if _, err := out.Write(c.buffer[:n]); err != nil {
				return 0, "", err
			}
			size += int64(n)
			c.done += int64(n)
			if c.show != nil {
				c.show(c.done, max(c.known, c.done))
			}
		}
		if readErr == io.EOF || readErr == io.ErrUnexpectedEOF {
			break
		}
		if readErr != nil {
			return 0, "", readErr
		}
	}
	return size, hex.EncodeToString(hash.Sum(nil)), out.Sync()
}

// CopyStore copies the store out of a backup into the folder to, which must not exist,
// and refuses files that are not what was written. When it fails, there is nothing at to.
func CopyStore(ctx context.Context, dir string, m *Manifest, to string, show Progress) (err error) {
	if err := os.Mkdir(to, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(to))
		}
	}()
	c := copying{ctx: ctx, known: m.Bytes, show: show}
	for _, f := range m.Files {
		size, sum, err := c.file(filepath.Join(dir, storeName, f.Name), filepath.Join(to, f.Name))
		switch {
		case errors.Is(err, os.ErrNotExist):
			return &DamageError{dir, "file " + f.Name + " is missing"}
		case err != nil:
			return fmt.Errorf("restore: %w", err)
		case size != f.Bytes || sum != f.SHA256:
			return &DamageError{dir, "file " + f.Name + " is not what was written"}
		}
	}
	return syncFolder(to)
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}
