# Copies Node.js, its libraries and their loader into a folder: sh copy-node.sh FOLDER
set -e
node=$(command -v node)
mkdir -p "$1"
cp "$node" $(ldd "$node" | grep -o '/[^ ]*' | sort -u) "$1"
mv "$1"/ld-* "$1/start"
