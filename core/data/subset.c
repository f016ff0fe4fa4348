/*
 * Chooses the examples of each split. Each option draws from separate streams, with one stream for each class where it
 * chooses class by class, keyed by the class's number in the dataset. So the examples chosen from a class depend only on
 * the seed, and a smaller choice is always a subset of a larger one.
 */
#include <scion/random.h>
#include <stdlib.h>
#include <string.h>

#include "data/parts.h"

/* Added to a class's number, or to 0 where all classes are shuffled together. */
#define STREAM_PER_CLASS ((uint64_t)0)
#define STREAM_VALID ((uint64_t)1 << 32)
#define STREAM_LIMIT ((uint64_t)2 << 32)

/* The use of an example. LEFT_OUT: its class is used, but per_class or limit excludes it. */
enum use { DROPPED = 0, TRAINED = 1, HELD_OUT = 2, LEFT_OUT = 4 };

/* The training split while examples are chosen from it. */
struct choice {
        int64_t size;
        int64_t classes;       /* in the dataset; 1 when targets are floats */
        const int32_t *labels; /* NULL when targets are floats */
        uint8_t *use;          /* enum use of each example */
        int64_t *order;        /* examples with the use TRAINED, grouped by class; has room for all */
        int64_t *start;        /* start of each class's group in `order`, then the end of the last group */
        uint64_t seed;
};

static int64_t choice_class(const struct choice *choice, int64_t i)
{
        return choice->labels ? choice->labels[i] : 0;
}

/* Groups the examples with the use TRAINED by class, in the dataset's order. */
static void choice_group(struct choice *choice)
{
        int64_t *start = choice->start;

        memset(start, 0, (size_t)(choice->classes + 1) * sizeof *start);
        for (int64_t i = 0; i < choice->size; i++)
                if (choice->use[i] == TRAINED)
                        start[choice_class(choice, i) + 1]++;
        for (int64_t c = 0; c < choice->classes; c++)
                start[c + 1] += start[c];
        for (int64_t i = 0; i < choice->size; i++)
                if (choice->use[i] == TRAINED)
                        choice->order[start[choice_class(choice, i)]++] = i;
        /* Each entry of start now is the start of the next group. */
        memmove(start + 1, start, (size_t)choice->classes * sizeof *start);
        start[0] = 0;
}

static int64_t choice_group_size(const struct choice *choice, int64_t c)
{
        return choice->start[c + 1] - choice->start[c];
}

static void choice_shuffle_group(struct choice *choice, int64_t c, uint64_t stream)
{
        struct scion_random random = scion_random(choice->seed, SCION_RANDOM_SUBSET, stream + (uint64_t)c);

        scion_random_shuffle(&random, choice->order + choice->start[c], (size_t)choice_group_size(choice, c));
}

static bool choice_apply_per_class(struct choice *choice, const struct scion_subset *subset,
                                   int64_t per_class, const struct scion_config *map)
{
        choice_group(choice);
        for (int64_t c = 0; c < choice->classes; c++) {
                int64_t has = choice_group_size(choice, c);

                if (subset->number[c] < 0)
                        continue;
                if (has < per_class)
                        return scion_config_fail(
                                scion_config_get(map, "per_class"),
                                "per_class: %lld of each class, but class %lld has only %lld "
                                "training example%s",
                                (long long)per_class, (long long)c, (long long)has, has == 1 ? "" : "s");
                choice_shuffle_group(choice, c, STREAM_PER_CLASS);
                for (int64_t i = choice->start[c] + per_class; i < choice->start[c + 1]; i++)
                        choice->use[choice->order[i]] = LEFT_OUT;
        }
        return true;
}

static void choice_apply_limit(struct choice *choice, int64_t limit)
{
        struct scion_random random = scion_random(choice->seed, SCION_RANDOM_SUBSET, STREAM_LIMIT);
        int64_t count = 0;

        for (int64_t i = 0; i < choice->size; i++)
                if (choice->use[i] == TRAINED)
                        choice->order[count++] = i;
        scion_random_shuffle(&random, choice->order, (size_t)count);
        for (int64_t i = limit; i < count; i++)
                choice->use[choice->order[i]] = LEFT_OUT;
}

/* The number of examples held out from a class, by the largest-remainder method. */
struct quota {
        int64_t class;
        int64_t count;
        double remainder;
};

static int quotas_compare(const void *a, const void *b)
{
        const struct quota *x = a, *y = b;

        if (x->remainder != y->remainder)
                return x->remainder > y->remainder ? -1 : 1;
        return x->class < y->class ? -1 : x->class > y->class;
}

/*
 * Holds out round(share * all) examples in proportion to the classes: the integer part of its share from every class, and
 * one more from the classes with the largest remainders. One example of each class always stays in training.
 */
static bool choice_hold_out(struct choice *choice, double share, const struct scion_config *map)
{
        struct quota *quota = calloc((size_t)choice->classes, sizeof *quota);
        int64_t all, left;

        if (!quota)
                return scion_fail("out of memory");
        choice_group(choice);
        all = choice->start[choice->classes];
        left = (int64_t)(share * (double)all + 0.5);
        for (int64_t c = 0; c < choice->classes; c++) {
                double part = share * (double)choice_group_size(choice, c);

                quota[c] = (struct quota){ c, (int64_t)part, part - (double)(int64_t)part };
                left -= quota[c].count;
        }
        qsort(quota, (size_t)choice->classes, sizeof *quota, quotas_compare);

        int64_t held = 0;

        for (int64_t q = 0; q < choice->classes; q++) {
                int64_t c = quota[q].class, has = choice_group_size(choice, c), take = quota[q].count;

                if (left > 0 && take + 1 < has) {
                        take++;
                        left--;
                }
                choice_shuffle_group(choice, c, STREAM_VALID);
                for (int64_t i = 0; i < take; i++)
                        choice->use[choice->order[choice->start[c] + i]] = HELD_OUT;
                held += take;
        }
        free(quota);
        return held > 0 || scion_config_fail(scion_config_get(map, "valid"),
                                             "valid: a share of %g of %lld training examples holds out none",
                                             share, (long long)all);
}

/* Lists the examples that have one of the `wanted` uses. */
static bool chosen_collect(struct scion_chosen *chosen, enum scion_split from, const uint8_t *use, int wanted,
                           int64_t size)
{
        chosen->from = from;
        chosen->count = 0;
        for (int64_t i = 0; i < size; i++)
                chosen->count += (use[i] & wanted) != 0;
        chosen->index = calloc((size_t)chosen->count + 1, sizeof *chosen->index);
        if (!chosen->index)
                return scion_fail("out of memory");
        for (int64_t i = 0, n = 0; i < size; i++)
                if (use[i] & wanted)
                        chosen->index[n++] = i;
        return true;
}

/* Renumbers the classes in the order in which `classes` lists them. Without a list, they keep their numbers. */
static bool subset_number_classes(struct scion_subset *subset, const struct scion_ints *list,
                                  const struct scion_config *map, int64_t classes)
{
        const struct scion_config *place = scion_config_get(map, "classes");

        if (classes == 0)
                return !place ||
                       scion_config_fail(place, "classes: the dataset's targets are values; it has no "
                                                "classes");
        subset->classes = list->count > 0 ? (int64_t)list->count : classes;
        subset->number = malloc((size_t)classes * sizeof *subset->number);
        if (!subset->number)
                return scion_fail("out of memory");
        for (int64_t c = 0; c < classes; c++)
                subset->number[c] = list->count > 0 ? -1 : (int32_t)c;
        if (place && list->count == 0)
                return scion_config_fail(place, "classes: the list is empty");
        for (size_t i = 0; i < list->count; i++) {
                int64_t c = list->value[i];
                const struct scion_config *at = place && place->kind == SCION_CONFIG_LIST && i < place->count
                                                        ? place->entry[i].value
                                                        : place;

                if (c < 0 || c >= classes)
                        return scion_config_fail(at, "classes: no class %lld; the dataset has 0 to %lld",
                                                 (long long)c, (long long)classes - 1);
                if (subset->number[c] >= 0)
                        return scion_config_fail(at, "classes: class %lld is listed twice", (long long)c);
                subset->number[c] = (int32_t)i;
        }
        return true;
}

static void subset_mark_classes(const struct scion_subset *subset, const int32_t *labels, uint8_t *use,
                                int64_t size)
{
        for (int64_t i = 0; i < size; i++)
                use[i] = !subset->number || subset->number[labels[i]] >= 0 ? TRAINED : DROPPED;
}

static bool choice_apply_options(struct scion_subset *subset, const struct scion_data_options *options,
                                 const struct scion_config *map, struct choice *choice)
{
        if (options->per_class > 0 && !subset->number)
                return scion_config_fail(scion_config_get(map, "per_class"),
                                         "per_class: the dataset's targets are values; it has no classes");
        if (options->per_class > 0 && !choice_apply_per_class(choice, subset, options->per_class, map))
                return false;
        if (options->limit > 0)
                choice_apply_limit(choice, options->limit);
        return options->valid == 0 || choice_hold_out(choice, (double)options->valid, map);
}

static bool subset_check_sizes(const struct scion_subset *subset, const struct scion_config *map,
                               const struct scion_dataset_info *info)
{
        for (int split = 0; split < SCION_SPLITS; split++)
                if (info->size[split] > 0 && subset->split[split].count == 0)
                        return scion_config_fail(scion_config_get(map, "classes"),
                                                 "classes: leaves none of the %lld %s examples",
                                                 (long long)info->size[split], scion_split_names[split]);
        return true;
}

bool scion_subset_choose(struct scion_subset *subset, const struct scion_data_options *options,
                         const struct scion_config *map, const struct scion_dataset_info *info,
                         int32_t *const labels[SCION_SPLITS], uint64_t seed)
{
        struct choice choice = { .size = info->size[SCION_TRAIN],
                                 .classes = info->classes > 0 ? info->classes : 1,
                                 .labels = labels[SCION_TRAIN],
                                 .seed = seed };
        int64_t most = 0;
        bool good = false;

        *subset = (struct scion_subset){ 0 };
        if (options->valid > 0 && info->size[SCION_VALID] > 0)
                return scion_config_fail(scion_config_get(map, "valid"),
                                         "valid: the dataset already has a validation split");
        if (!subset_number_classes(subset, &options->classes, map, info->classes))
                return false;
        for (int split = 0; split < SCION_SPLITS; split++)
                most = info->size[split] > most ? info->size[split] : most;
        choice.use = malloc((size_t)most);
        choice.order = malloc((size_t)choice.size * sizeof *choice.order);
        choice.start = malloc((size_t)(choice.classes + 1) * sizeof *choice.start);
        if (!choice.use || !choice.order || !choice.start) {
                scion_fail("out of memory");
                goto done;
        }
        for (int split = SCION_SPLITS - 1; split >= 0; split--) {
                subset_mark_classes(subset, labels[split], choice.use, info->size[split]);
                if (!chosen_collect(&subset->split[split], (enum scion_split)split, choice.use, TRAINED,
                                    info->size[split]))
                        goto done;
        }
        if (!subset_check_sizes(subset, map, info))
                goto done;
        /* The loop handled the training split last, so choice.use has the marks of its examples. */
        if (!choice_apply_options(subset, options, map, &choice))
                goto done;
        free(subset->split[SCION_TRAIN].index);
        good = chosen_collect(&subset->split[SCION_TRAIN], SCION_TRAIN, choice.use, TRAINED, choice.size);
        if (good && options->valid > 0) {
                free(subset->split[SCION_VALID].index);
                good = chosen_collect(&subset->split[SCION_VALID], SCION_TRAIN, choice.use, HELD_OUT,
                                      choice.size);
        }
        if (good && options->unlabelled)
                good = chosen_collect(&subset->pool, SCION_TRAIN, choice.use, TRAINED | LEFT_OUT,
                                      choice.size);
done:
        free(choice.use);
        free(choice.order);
        free(choice.start);
        return good;
}

void scion_subset_finish(struct scion_subset *subset)
{
        for (int split = 0; split < SCION_SPLITS; split++)
                free(subset->split[split].index);
        free(subset->pool.index);
        free(subset->number);
}
