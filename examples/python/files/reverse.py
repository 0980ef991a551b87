import json
import sys

# The item is on standard input; standard output is the result, standard error the log.
item = sys.stdin.read()
print(f"turning {item} around", file=sys.stderr)
print(json.dumps({"item": item, "reversed": item[::-1]}))
