/* Plans: the ids of a file's runs, and their properties. */
#include "support/command.h"

#include "suite/plan.h"
#include "suite/previous.h"

#define TARGET                                                                                  \
        "target:\n"                                                                             \
        "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 8, test_size: 4 }\n" \
        "  model: { use: mlp, hidden: [2] }\n"                                                  \
        "  optimizer: sgd\n"                                                                    \
        "  train: { epochs: 1 }\n"

static void plan_create(const char *text, struct scion_plan *plan)
{
        write_text("plan.yaml", text);
        if (!scion_plan_make("plan.yaml", NULL, 0, false, plan))
                fail_msg("%s", scion_error());
}

static void assert_refused(const char *text, const char *message)
{
        struct scion_plan plan;

        write_text("plan.yaml", text);
        assert_false(scion_plan_make("plan.yaml", NULL, 0, false, &plan));
        assert_error_has(message, NULL);
}

/* Checks that the two texts describe the same runs, or have no run in common. */
static void assert_ids(const char *one, const char *other, bool same)
{
        struct scion_plan a, b;

        plan_create(one, &a);
        plan_create(other, &b);
        for (size_t i = 0; i < a.count; i++)
                if (!!scion_plan_find(&b, a.planned[i].id) != same)
                        fail_msg("%s is %s the plan of\n%s", a.planned[i].id, same ? "not in" : "in", other);
        assert_true(!same || a.count == b.count);
        scion_plan_finish(&a);
        scion_plan_finish(&b);
}

static void ids_say_what_a_run_is(void **state)
{
        struct scion_plan plan;

        (void)state;
        plan_create("name: a\nseeds: 2\n" TARGET "matrix:\n"
                    "  strategy: [scratch]\n"
                    "  target.dataset.per_class, target.model.hidden: [[1, [3]], [2, [4, 5]]]\n",
                    &plan);
        assert_int_equal(plan.count, 4);
        assert_string_equal(plan.name, "a");
        for (size_t i = 0; i < 4; i++) {
                static const char *const starts[] = { "scratch-per_class1-hidden-3-seed1-",
                                                      "scratch-per_class1-hidden-3-seed2-",
                                                      "scratch-per_class2-hidden-4-5-seed1-",
                                                      "scratch-per_class2-hidden-4-5-seed2-" };
                const char *id = plan.planned[i].id;

                assert_int_equal(strncmp(id, starts[i], strlen(starts[i])), 0);
                assert_int_equal(strlen(id), strlen(starts[i]) + 8);
                assert_int_equal(strspn(id + strlen(starts[i]), "0123456789abcdef"), 8);
                assert_string_equal(plan.planned[i].strategy, "scratch");
                assert_string_equal(plan.planned[i].seed, i % 2 ? "2" : "1");
                assert_ptr_equal(scion_plan_find(&plan, id), &plan.planned[i]);
        }
        assert_true(plan.planned[0].first_of_its_kind && plan.planned[2].first_of_its_kind);
        assert_false(plan.planned[1].first_of_its_kind || plan.planned[3].first_of_its_kind);
        assert_null(scion_plan_find(&plan, "scratch"));
        scion_plan_finish(&plan);
}

#define RUN "strategy: { use: scratch }\nseed: 1\n" TARGET

/* What does not change the results of a run does not change its id. */
static void ids_are_stable(void **state)
{
        (void)state;
        assert_ids("name: a\n" RUN, "name: b\n" RUN, true);
        assert_ids("name: a\n" RUN, TARGET "strategy: scratch\nname: a\n", true);
        assert_ids("name: a\n" RUN, "name: a\n" RUN "threads: 1\n", true);
        assert_ids("name: a\n" RUN, "name: a\n" RUN "# a remark\n", true);
        assert_ids("name: a\n" RUN, "name: a\n" RUN "limits: { minutes: 5 }\n", true);
        assert_ids("name: a\n" RUN, "name: a\n" TARGET "matrix: { strategy: [scratch], seed: [1] }\n", true);
        assert_ids("name: a\n" RUN, "name: a\n" TARGET "strategy: scratch\nseeds: 1\n", true);
        assert_ids("name: a\n" RUN, "name: a\nstrategy: scratch\nseed: 2\n" TARGET, false);
        assert_ids("name: a\n" RUN, "name: a\n" RUN "threads: 2\n", false);
        assert_ids("name: a\n" RUN, "name: a\n" RUN "  loss: { use: cross-entropy, label_smoothing: 0.1 }\n",
                   false);
        assert_ids("name: a\n" RUN "matrix: { target.train.batch_size: [8, 16] }\n",
                   "name: a\n" RUN "matrix: { target.train.batch_size: [16, 8] }\n", true);
}

static void ids_are_told_apart(void **state)
{
        struct scion_plan plan;
        char text[2048];

        (void)state;
        assert_refused("name: a\n" TARGET
                       "matrix: { strategy: [{use: scratch, label: a b}, {use: scratch, label: a/b}] }\n",
                       "two runs are the same, and would share the folder 'a-b-seed1-");
        /* Labels that differ only after the cut are distinguished by the hash. */
        snprintf(text, sizeof text,
                 "name: a\n" TARGET "matrix: { strategy: [{use: scratch, label: %0*d}], seed: [1, 2, 3] }\n",
                 150, 7);
        plan_create(text, &plan);
        assert_int_equal(plan.count, 3);
        assert_int_equal(strlen(plan.planned[0].id), 120 + 1 + 16);
        assert_int_equal(strncmp(plan.planned[0].id, plan.planned[2].id, 121), 0);
        assert_string_not_equal(plan.planned[0].id, plan.planned[2].id);
        scion_plan_finish(&plan);
}

/* A run whose strategy comes from an axis is named after it. */
static void names_of_each_run(void **state)
{
        struct scion_plan plan;

        (void)state;
        plan_create("name: a\nstrategy: scratch\nthreads: 1\n" TARGET
                    "matrix: { threads: [1, 4, 2], seed: [3] }\n",
                    &plan);
        assert_int_equal(plan.threads, 4);
        assert_string_equal(plan.planned[2].seed, "3");
        struct scion_config *config = scion_planned_config(&plan.planned[1]);

        assert_string_equal(scion_config_get(config, "threads")->text, "4");
        scion_config_destroy(config);
        scion_plan_finish(&plan);
}

static void how_far_runs_are(void **state)
{
        struct scion_plan plan;
        enum scion_state *states;
        char text[4096] = "", folder[256];

        (void)state;
        plan_create("name: far\nstrategy: scratch\nseeds: 6\n" TARGET, &plan);
        states = scion_plan_states(&plan, "out");
        for (size_t i = 0; i < 6; i++)
                assert_int_equal(states[i], SCION_WAITING);
        free(states);

        mkdir("out", 0777);
        mkdir("out/far", 0777);
        for (size_t i = 0; i < 6; i++) {
                snprintf(folder, sizeof folder, "out/far/%s", plan.planned[i].id);
                assert_true(i == 3 || mkdir(folder, 0777) == 0);
        }
        snprintf(text, sizeof text, "run,status,seed\n%s,failed,1\n%s,done,2\n%s,done,4\nother,done,1\n",
                 plan.planned[0].id, plan.planned[1].id, plan.planned[3].id);
        write_text("out/far/results.csv", text);
        snprintf(text, sizeof text, "run,status,seed\n%s,done,5\n%s,failed,6\n%s,fai", plan.planned[4].id,
                 plan.planned[5].id, plan.planned[2].id);
        write_text("out/far/results.old.csv", text);
        states = scion_plan_states(&plan, "out");
        assert_int_equal(states[0], SCION_STATE_FAILED);
        assert_int_equal(states[1], SCION_DONE);
        assert_int_equal(states[2], SCION_STARTED);
        assert_int_equal(states[3], SCION_WAITING); /* its folder was removed */
        assert_int_equal(states[4], SCION_DONE);
        assert_int_equal(states[5], SCION_STATE_FAILED);
        free(states);
        snprintf(text, sizeof text, "  %s  scratch   1     failed\n", plan.planned[0].id);
        assert_output_has(run_scion_expecting(0, "run plan.yaml --out out --dry-run"), "far, in out/far\n",
                          text, "6 runs: 2 done, 2 failed, 1 started, 1 waiting\n", NULL);
        assert_string_equal(run_scion_expecting(0, "run plan.yaml --out out -nq")->output,
                            "far, in out/far\n6 runs: 2 done, 2 failed, 1 started, 1 waiting\n");

        write_text("out/far/results.csv", "seed,loss\n1,2\n");
        assert_null(scion_plan_states(&plan, "out"));
        assert_output_has(run_scion_expecting(2, "run plan.yaml --out out --dry-run"),
                          "out/far/results.csv: not a file of results: no column 'run'", NULL);
        scion_plan_finish(&plan);
}

static void many_runs_are_asked_for(void **state)
{
        (void)state;
        write_text("many.yaml", "name: many\nstrategy: scratch\nseeds: 100001\n" TARGET);
        assert_output_has(run_scion_expecting(2, "run many.yaml --dry-run"),
                          "many.yaml:3:8: 100001 runs: more than 100000 are only run with --force", NULL);
        assert_output_has(run_scion_expecting(2, "check many.yaml"), "with --force", NULL);
        assert_output_has(run_scion_expecting(2, "run many.yaml --set seed=3"),
                          "many.yaml:3:8: 'seeds' and 'seed' (--set seed=3) are both given", NULL);
        assert_output_has(run_scion_expecting(0, "check many.yaml --force --set seeds=3"), "good: 3 runs",
                          NULL);
        assert_output_has(run_scion_expecting(2, "modules many.yaml"), "with --force", NULL);
        assert_output_has(run_scion_expecting(2, "modules many.yaml -f --set target.model=none"), "'none'",
                          NULL);
        assert_output_has(run_scion_expecting(0, "modules many.yaml -f --set seeds=3"), "target: ", NULL);
        assert_output_has(run_scion_expecting(2, "plugins --force"), "unknown option '--force'", NULL);
        assert_output_has(
                run_scion_expecting(2, "run many.yaml --set seeds=1 --set 'matrix.target.train.epochs, "
                                       "target.train.batch_size=[[1, 2]]' --set "
                                       "target.train.batch_size=3"),
                "'target.train.batch_size' is an axis of the matrix: set matrix.target.train.epochs, "
                "target.train.batch_size=[...]",
                NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ids_say_what_a_run_is), cmocka_unit_test(ids_are_stable),
                cmocka_unit_test(ids_are_told_apart),    cmocka_unit_test(names_of_each_run),
                cmocka_unit_test(how_far_runs_are),      cmocka_unit_test(many_runs_are_asked_for),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
