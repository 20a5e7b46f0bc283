#!/bin/sh
# Ligature beside its peers, from an empty folder: makes a Python with the peers (BENCH_VENV, default
# build/bench-venv) unless it is there, and passes its arguments on to run.py.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${BENCH_VENV:-$here/../../build/bench-venv}
if ! "$venv/bin/python" -c "import llama_cpp, numpy, safetensors" 2>/dev/null; then
    python3 -m venv "$venv"
    CMAKE_ARGS="-DGGML_NATIVE=ON" "$venv/bin/pip" install llama-cpp-python==0.3.36 numpy safetensors
fi
exec "$venv/bin/python" "$here/run.py" "$@"
