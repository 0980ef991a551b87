// The official Kubernetes provider. Its own main embeds two files that its release generates; they lie beside this
// program instead, as the module has them.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

// Version of the release that it stands for; set by the linker.
var version string

func read(name string) []byte {
	program, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(filepath.Dir(program), name))
	if err != nil {
		log.Fatal(err)
	}
	return content
}

func main() {
	provider.Serve("kubernetes", version, read("schema.json"), read("terraform-mapping.json"))
}
