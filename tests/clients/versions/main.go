// Command versions orders versions of Go modules as Go does: for each line "a b" of its input it
// writes -1, 0 or 1, or "-" where one of them is none.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/semver"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		a, b, _ := strings.Cut(lines.Text(), " ")
		if !semver.IsValid(a) || !semver.IsValid(b) {
			fmt.Println("-")
			continue
		}
		fmt.Println(semver.Compare(a, b))
	}
}
