# Is the plugin good? It is checked, experiment.yaml is run, and what came out is looked at. `make check` and
# `meson test` call this with the folder that they build in. SCION is the command, if not what pkg-config says.
set -eu
least=0.8 # of test_accuracy, over the runs with the plugin

build=$1
folder=$(dirname "$0")
scion=${SCION:-$(pkg-config --variable=command scion)}

"$scion" check "$build/my-kinds/my-plugin.so" "$folder/experiment.yaml" --plugin-path "$build"
rm -rf "$build/check" # a run that has finished is not repeated
"$scion" run "$folder/experiment.yaml" --plugin-path "$build" --out "$build/check" --quiet

# What the plugin's runs have in the column of the axis: "strategy", "target.loss", ...
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
