/* Threads that compute one step together. They meet some forty times a step of tens of
 * milliseconds, so waiting looks a while before it gives the processor away. */
#include "evaluator/train/team.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { LOOKS = 20000 }; /* before a waiting thread yields */

/* One thread's view of its team. */
struct seat {
    struct train__team *team;
    int thread;
    pthread_t id;
};

struct train__team {
    int size, started; /* threads; of which besides the caller were started */
    struct seat seats[TRAIN__MAX_THREADS];
    pthread_mutex_t lock;
    pthread_cond_t call;
    uint64_t round; /* of work; guarded by lock */
    bool over;
    void (*work)(void *context, int thread);
    void *context;
    atomic_int arrived;
    atomic_uint meeting; /* number of the last one that everybody has reached */
};

void train__team_meet(struct train__team *team) {
    unsigned now = atomic_load_explicit(&team->meeting, memory_order_acquire);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) + 1 == team->size) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&team->meeting, now + 1, memory_order_release);
        return;
    }
    for (int looks = 0; atomic_load_explicit(&team->meeting, memory_order_acquire) == now; looks++)
        if (looks >= LOOKS)
            (void)sched_yield();
}

static void *take_part(void *argument) {
    struct seat *seat = argument;
    struct train__team *team = seat->team;
    uint64_t done = 0;
    for (;;) {
        (void)pthread_mutex_lock(&team->lock);
        while (team->round == done && !team->over)
            (void)pthread_cond_wait(&team->call, &team->lock);
        done = team->round;
        bool over = team->over;
        (void)pthread_mutex_unlock(&team->lock);
        if (over)
            return NULL;
        team->work(team->context, seat->thread);
        train__team_meet(team);
    }
}

void train__team_run(struct train__team *team, void (*work)(void *context, int thread),
                     void *context) {
    (void)pthread_mutex_lock(&team->lock);
    team->work = work;
    team->context = context;
    team->round++;
    (void)pthread_cond_broadcast(&team->call);
    (void)pthread_mutex_unlock(&team->lock);
    work(context, 0);
    train__team_meet(team);
}

void train__team_free(struct train__team *team) {
    if (team == NULL)
        return;
    (void)pthread_mutex_lock(&team->lock);
    team->over = true;
    (void)pthread_cond_broadcast(&team->call);
    (void)pthread_mutex_unlock(&team->lock);
    for (int t = 1; t <= team->started; t++)
        (void)pthread_join(team->seats[t].id, NULL);
    (void)pthread_cond_destroy(&team->call);
    (void)pthread_mutex_destroy(&team->lock);
    dse_free(team);
}

int train__team_size(const struct train__team *team) {
    return team->size;
}

enum dse_status train__team_new(int threads, struct train__team **team, struct dse_err *err) {
    if (threads < 1 || threads > TRAIN__MAX_THREADS)
        DSE_FAIL(err, DSE_INVALID, "%d threads; 1 to %d are possible", threads,
                 (int)TRAIN__MAX_THREADS);
    struct train__team *t = dse_alloc(1, sizeof *t);
    if (t == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a team");
    t->size = threads;
    (void)pthread_mutex_init(&t->lock, NULL);
    (void)pthread_cond_init(&t->call, NULL);
    for (int i = 1; i < threads; i++) {
        t->seats[i] = (struct seat){.team = t, .thread = i};
        if (pthread_create(&t->seats[i].id, NULL, take_part, &t->seats[i]) != 0) {
            train__team_free(t);
            DSE_FAIL(err, DSE_NO_MEMORY, "a thread could not be started");
        }
        t->started = i;
    }
    *team = t;
    return DSE_OK;
}
