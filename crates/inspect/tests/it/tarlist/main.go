// Lists archives as the container runtimes read them: each on standard input after its length.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

const most = 1 << 20

func main() {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		var size uint32
		if binary.Read(in, binary.LittleEndian, &size) != nil {
			return
		}
		archive := make([]byte, size)
		if _, err := io.ReadFull(in, archive); err != nil {
			panic(err)
		}
		list(out, archive)
	}
}

func list(out io.Writer, archive []byte) {
	// Not seekable, as a layer is not.
	reader := tar.NewReader(struct{ io.Reader }{bytes.NewReader(archive)})
	for {
		header, err := reader.Next()
		if err == io.EOF {
			fmt.Fprintln(out, "end")
			return
		}
		if err != nil {
			fmt.Fprintln(out, "error")
			return
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if header.Size > most {
			fmt.Fprintln(out, "large")
			return
		}
		hash := sha256.New()
		if _, err := io.Copy(hash, reader); err != nil {
			fmt.Fprintln(out, "error")
			return
		}
		fmt.Fprintf(out, "%x %x %d %d %d %d %d %x\n", header.Name, header.Linkname, header.Typeflag,
			header.Mode&07777, header.Uid, header.Gid, header.Size, hash.Sum(nil)[:8])
	}
}
