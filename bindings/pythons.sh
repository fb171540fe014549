# Read by the tests of both Python packages: a wheel in a new environment of every Python that is here.

# The first of each version from 3.10 on: PYTHON, those on the PATH, those of pyenv.
pythons() {
  local python version seen=" "
  for python in "${PYTHON:-python3}" python3.{10..19} "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[0-9]*/bin/python; do
    version="$("$python" -c 'import ensurepip, sys; print("%d.%d" % sys.version_info[:2] if sys.version_info >= (3, 10) else "")' \
      2> /dev/null)" || continue
    if [ -z "$version" ] || [[ "$seen" == *" $version "* ]]; then continue; fi
    seen+="$version "
    echo "$version $python"
  done
}

# in_every_python WHEEL WORK TESTS: installs the wheel without a network and calls the function TESTS with the environment's Python.
# Leaves the last environment in `venv`, and how many there were in `tested`.
in_every_python() {
  local version python
  tested=0
  while read -r version python; do
    venv="$2/venv-$version"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$1"
    echo "Python $version:"
    "$3" "$venv/bin/python"
    tested=$((tested + 1))
  done < <(pythons)
  [ "$tested" -gt 0 ] || { echo "Python: there is no Python from 3.10 on with venv" >&2; exit 1; }
}
