# Tests the plugin: checks it, runs experiment.yaml, and checks the accuracy of the runs. `make check` and `meson test`
# call this script with the build folder. The command is $SCION, or the one that pkg-config finds.
set -eu
least=0.8 # lowest accepted mean of test_accuracy over the runs with the plugin

build=$1
folder=$(dirname "$0")
scion=${SCION:-$(pkg-config --variable=command scion)}

"$scion" check "$build/my-kinds/my-plugin.so" "$folder/experiment.yaml" --plugin-path "$build"
rm -rf "$build/check" # finished runs would not be repeated
"$scion" run "$folder/experiment.yaml" --plugin-path "$build" --out "$build/check" --quiet

# The runs with the plugin have its name in the column of its axis: "strategy", "target.loss", ...
awk -F, -v least=$least '
        NR == 1 {
                for (i = 1; i <= NF; i++) {
                        if ($i ~ /(^|[.])my-kind$/)
                                axis = i
                        if ($i == "test_accuracy")
                                accuracy = i
                }
        }
        NR > 1 && axis && $axis == "my-plugin" {
                sum += $accuracy
                runs++
        }
        END {
                if (runs == 0) {
                        print "check: no run with my-plugin in results.csv"
                        exit 1
                }
                printf "check: test_accuracy %.3f, mean of %d runs with my-plugin\n", sum / runs, runs
                if (sum / runs < least) {
                        print "check: should be at least " least
                        exit 1
                }
        }' "$build/check/my-plugin/results.csv"
