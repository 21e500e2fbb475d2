package pgcluster

import "golang.org/x/sys/unix"

// releaseSharedMemory removes the System V segment that a killed server left
// behind; one that stopped has removed it, and its pid file with it.
func releaseSharedMemory(data string) {
	if id := readPIDFile(data).sharedMemory; id >= 0 {
		_, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil) // gone already is as good
	}
}
