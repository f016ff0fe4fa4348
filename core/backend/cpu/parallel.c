/* Sharing work among OpenMP threads. */
#define _GNU_SOURCE /* RTLD_DEFAULT */

#include "backend/cpu/parallel.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "backend/cpu/kernel.h"

#define GRAIN 32768 /* elements from which on waking a thread pays off */

struct work {
        void (*run)(void *context, int part, int64_t from, int64_t to);
        void *context;
        int64_t count, grain;
};

/*
 * The OpenMP run-time that oneDNN is linked with, whose threads exist already. Its functions are looked up by name,
 * because linking an OpenMP library here could load a second one. Compilers call parallel() for a parallel region.
 */
static struct {
        void (*parallel)(void (*run)(void *), void *data, unsigned threads, unsigned flags);
        int (*number)(void); /* the thread's index in its team */
        int (*count)(void);  /* the number of threads in the team */
        int (*limit)(void);
        int (*levels)(void);
        void (*set_threads)(int threads);
        void (*set_dynamic)(int dynamic);
        void (*set_levels)(int levels);
        bool found; /* all functions were found */
} openmp;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void openmp_find(void)
{
        const struct {
                const char *name;
                void *function;
        } needed[] = { { "GOMP_parallel", &openmp.parallel },
                       { "omp_get_thread_num", &openmp.number },
                       { "omp_get_num_threads", &openmp.count },
                       { "omp_get_thread_limit", &openmp.limit },
                       { "omp_get_max_active_levels", &openmp.levels },
                       { "omp_set_num_threads", &openmp.set_threads },
                       { "omp_set_dynamic", &openmp.set_dynamic },
                       { "omp_set_max_active_levels", &openmp.set_levels } };

        for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
                void *function = dlsym(RTLD_DEFAULT, needed[i].name);

                if (!function)
                        return;
                memcpy(needed[i].function, &function, sizeof function);
        }
        openmp.found = true;
}

bool scion_threads_set(int threads)
{
        pthread_once(&once, openmp_find);
        if (!openmp.found)
                return threads == 1 ||
                       scion_fail("%d threads are not available: there is no OpenMP run-time", threads);
        if (threads > 1 && openmp.limit() < threads)
                return scion_fail("%d threads are not available: OMP_THREAD_LIMIT is %d", threads,
                                  openmp.limit());
        openmp.set_threads(threads);
        openmp.set_dynamic(0);
        if (openmp.levels() < 1)
                openmp.set_levels(1);
        return true;
}

static void work_part(void *data)
{
        const struct work *work = data;
        int part = openmp.number(), parts = openmp.count();
        int64_t grains = (work->count + work->grain - 1) / work->grain;
        int64_t from = grains * part / parts * work->grain, to = grains * (part + 1) / parts * work->grain;

        if (to > work->count)
                to = work->count;
        if (from < to)
                work->run(work->context, part, from, to);
}

void scion_parallel(int threads, int64_t count, int64_t grain,
                    void (*run)(void *context, int part, int64_t from, int64_t to), void *context)
{
        struct work work = { .run = run, .context = context, .count = count, .grain = grain };

        if (threads > 1 && count > grain) {
                pthread_once(&once, openmp_find);
                if (openmp.found) {
                        int64_t grains = (count + grain - 1) / grain;

                        openmp.parallel(work_part, &work, (unsigned)(grains < threads ? grains : threads), 0);
                        return;
                }
        }
        run(context, 0, 0, count);
}

void scion_parallel_elements(size_t count, void (*run)(void *context, int part, int64_t from, int64_t to),
                             void *context)
{
        scion_parallel(scion_kernels_threads(), (int64_t)count, GRAIN, run, context);
}
