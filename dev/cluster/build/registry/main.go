// The registry with its storage on disk and no other: the clients of clouds take minutes to build.
package main

import (
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"

	"github.com/distribution/distribution/v3/registry"
)

func main() {
	_ = registry.RootCmd.Execute()
}
