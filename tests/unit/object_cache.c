// The object cache: what is put is got, whatever happens to the folder in between.
#include "codegen/object_cache.h"
#include "ir/base/alloc.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 1 << 20, OBJECT_BYTES = 1000 };

typedef struct Fixture {
    LigContext *ctx;
    char root[64], folder[128];
} Fixture;

static int set_up(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    f->ctx = lig_context_create();
    snprintf(f->root, sizeof f->root, "/tmp/lig_object_cache_XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->folder, sizeof f->folder, "%s/above/kernels", f->root);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *f = *state;
    char command[160];
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", f->root, f->root);
    assert_int_equal(system(command), 0);
    lig_context_destroy(f->ctx);
    free(f);
    return 0;
}

static LigObjectCache *open_cache(Fixture *f, uint64_t max_bytes)
{
    LigObjectCache *cache;
    const LigObjectCacheOptions options = {f->folder, max_bytes};
    assert_int_equal(lig_object_cache_open(f->ctx, &options, &cache), LIG_OK);
    assert_int_equal(lig_context_diagnostic_count(f->ctx), 0);
    return cache;
}

static LigDigest key_of(int i) { return lig_sha256(&i, sizeof i); }

static void fill(unsigned char *bytes, int i)
{
    for (int j = 0; j < OBJECT_BYTES; j++) bytes[j] = (unsigned char)(i * 31 + j);
}

static void put(LigObjectCache *cache, int i)
{
    unsigned char bytes[OBJECT_BYTES];
    fill(bytes, i);
    LigDigest key = key_of(i);
    lig_object_cache_put(cache, &key, (LigObject){bytes, sizeof bytes});
}

// Whether object i is there; if so, its bytes must be right.
static bool has(LigObjectCache *cache, int i)
{
    LigObject object;
    LigDigest key = key_of(i);
    if (!lig_object_cache_get(cache, &key, &object)) {
        assert_null(object.data);
        return false;
    }
    unsigned char bytes[OBJECT_BYTES];
    fill(bytes, i);
    assert_int_equal(object.bytes, sizeof bytes);
    assert_memory_equal(object.data, bytes, sizeof bytes);
    lig_object_free(&object);
    return true;
}

static void path_of(const Fixture *f, int i, char path[256])
{
    char hex[LIG_SHA256_HEX_BYTES];
    LigDigest key = key_of(i);
    lig_digest_hex(&key, hex);
    snprintf(path, 256, "%s/%s.o", f->folder, hex);
}

static int count_files(const Fixture *f)
{
    DIR *stream = opendir(f->folder);
    assert_non_null(stream);
    int count = 0;
    for (const struct dirent *item = readdir(stream); item; item = readdir(stream))
        count += strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0;
    closedir(stream);
    return count;
}

static void what_is_put_is_got_by_the_next_run(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, MANY);
    assert_false(has(cache, 1));
    for (int i = 0; i < 5; i++) put(cache, i);
    put(cache, 3);
    for (int i = 0; i < 5; i++) assert_true(has(cache, i));
    assert_int_equal(lig_object_cache_facts(cache)->stored, 6);
    assert_string_equal(lig_object_cache_facts(cache)->trouble, "");
    lig_object_cache_close(cache);
    cache = open_cache(f, MANY);
    for (int i = 0; i < 5; i++) assert_true(has(cache, i));
    assert_false(has(cache, 5));
    assert_int_equal(lig_object_cache_facts(cache)->found, 5);
    assert_int_equal(lig_object_cache_facts(cache)->missed, 1);
    lig_object_cache_close(cache);
    assert_int_equal(count_files(f), 5);
    struct stat info;
    assert_int_equal(stat(f->folder, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
}

static void an_empty_object_is_an_object(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, MANY);
    LigDigest key = key_of(1);
    unsigned char nothing[1];
    lig_object_cache_put(cache, &key, (LigObject){nothing, 0});
    LigObject object;
    assert_true(lig_object_cache_get(cache, &key, &object));
    assert_int_equal(object.bytes, 0);
    lig_object_free(&object);
    lig_object_cache_close(cache);
}

static void without_a_folder_nothing_is_kept(void **state)
{
    Fixture *f = *state;
    f->folder[0] = '\0';
    LigObjectCache *cache;
    const LigObjectCacheOptions options = {NULL, MANY};
    assert_int_equal(lig_object_cache_open(f->ctx, &options, &cache), LIG_OK);
    put(cache, 1);
    assert_false(has(cache, 1));
    lig_object_cache_close(cache);
}

// The entry of object 1 with one byte changed, or cut there, is not got; it is gone, and can be put again.
static void is_refused_and_replaced(Fixture *f)
{
    char path[256];
    path_of(f, 1, path);
    LigObjectCache *cache = open_cache(f, MANY);
    assert_false(has(cache, 1));
    assert_int_equal(lig_object_cache_facts(cache)->damaged, 1);
    assert_int_not_equal(access(path, F_OK), 0);
    put(cache, 1);
    assert_true(has(cache, 1));
    lig_object_cache_close(cache);
}

static size_t file_bytes(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return (size_t)info.st_size;
}

static void every_changed_byte_is_noticed(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, MANY);
    put(cache, 1);
    lig_object_cache_close(cache);
    char path[256];
    path_of(f, 1, path);
    size_t bytes = file_bytes(path);
    for (size_t at = 0; at < bytes; at++) {
        int fd = open(path, O_RDWR);
        unsigned char byte;
        assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
        close(fd);
        is_refused_and_replaced(f);
    }
}

static void every_cut_is_noticed(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, MANY);
    put(cache, 1);
    lig_object_cache_close(cache);
    char path[256];
    path_of(f, 1, path);
    size_t bytes = file_bytes(path);
    for (size_t at = 0; at <= bytes + 1; at++) {
        if (at == bytes) continue;
        assert_int_equal(truncate(path, (off_t)at), 0);
        is_refused_and_replaced(f);
    }
}

static void an_entry_under_anothers_name_is_refused(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, MANY);
    put(cache, 2);
    lig_object_cache_close(cache);
    char from[256], to[256];
    path_of(f, 2, from);
    path_of(f, 1, to);
    assert_int_equal(rename(from, to), 0);
    is_refused_and_replaced(f);
}

static void an_entry_that_others_may_write_is_refused(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, MANY);
    put(cache, 1);
    lig_object_cache_close(cache);
    char path[256];
    path_of(f, 1, path);
    assert_int_equal(chmod(path, 0620), 0);
    is_refused_and_replaced(f);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    is_refused_and_replaced(f);
}

static void a_link_leads_nowhere(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, MANY);
    put(cache, 1);
    char path[256], elsewhere[256];
    path_of(f, 1, path);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", f->root);
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    assert_false(has(cache, 1));
    put(cache, 1);
    assert_true(has(cache, 1));
    lig_object_cache_close(cache);
}

static void a_folder_that_others_may_write_is_refused(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, MANY);
    put(cache, 1);
    lig_object_cache_close(cache);
    const mode_t modes[] = {0720, 0702, 0777};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(f->folder, modes[i]), 0);
        cache = open_cache(f, MANY);
        assert_false(has(cache, 1));
        put(cache, 2);
        assert_non_null(strstr(lig_object_cache_facts(cache)->trouble, "others may write"));
        lig_object_cache_close(cache);
        assert_int_equal(count_files(f), 1);
    }
    assert_int_equal(chmod(f->folder, 0755), 0);
    cache = open_cache(f, MANY);
    assert_true(has(cache, 1));
    lig_object_cache_close(cache);
}

static void a_folder_that_can_not_be_is_told(void **state)
{
    Fixture *f = *state;
    snprintf(f->folder, sizeof f->folder, "%s/file", f->root);
    int fd = open(f->folder, O_CREAT | O_WRONLY, 0600);
    close(fd);
    LigObjectCache *cache = open_cache(f, MANY);
    put(cache, 1);
    assert_false(has(cache, 1));
    assert_string_not_equal(lig_object_cache_facts(cache)->trouble, "");
    lig_object_cache_close(cache);
}

// Root may write everywhere: then a child that gives its rights up looks.
static void in_child_as_nobody(Fixture *f, void (*look)(Fixture *f))
{
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && seteuid(65534) != 0) _exit(2);
        look(f);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void reads_but_does_not_write(Fixture *f)
{
    LigObjectCache *cache = open_cache(f, MANY);
    bool found = has(cache, 1);
    put(cache, 2);
    put(cache, 3);
    if (!found || has(cache, 2)) _exit(3);
    if (!strstr(lig_object_cache_facts(cache)->trouble, "can't be written")) _exit(4);
    lig_object_cache_close(cache);
}

static void a_read_only_folder_is_read(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, MANY);
    put(cache, 1);
    lig_object_cache_close(cache);
    assert_int_equal(chmod(f->folder, 0500), 0);
    if (geteuid() == 0) {
        char path[256];
        path_of(f, 1, path);
        assert_int_equal(chown(f->folder, 65534, 65534), 0);
        assert_int_equal(chown(path, 65534, 65534), 0);
        assert_int_equal(chmod(f->root, 0755), 0);
        char above[128];
        snprintf(above, sizeof above, "%s/above", f->root);
        assert_int_equal(chmod(above, 0755), 0);
    }
    in_child_as_nobody(f, reads_but_does_not_write);
    assert_int_equal(count_files(f), 1);
}

static void does_not_open(Fixture *f)
{
    LigObjectCache *cache = open_cache(f, MANY);
    bool found = has(cache, 1);
    if (found || !strstr(lig_object_cache_facts(cache)->trouble, "another user")) _exit(3);
    lig_object_cache_close(cache);
}

static void a_folder_of_another_user_is_refused(void **state)
{
    Fixture *f = *state;
    if (geteuid() != 0) skip(); // only root can make one
    LigObjectCache *cache = open_cache(f, MANY);
    put(cache, 1);
    lig_object_cache_close(cache);
    char above[128];
    snprintf(above, sizeof above, "%s/above", f->root);
    assert_int_equal(chmod(f->root, 0755) | chmod(above, 0755) | chmod(f->folder, 0755), 0);
    in_child_as_nobody(f, does_not_open);
}

// A limit on the size of files stands for a full disk: a write ends short, then fails.
static void a_full_disk_leaves_nothing_behind(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, MANY);
    put(cache, 1);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = OBJECT_BYTES / 2;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    put(cache, 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_non_null(strstr(lig_object_cache_facts(cache)->trouble, "can't be written"));
    put(cache, 3); // not tried again
    assert_true(has(cache, 1));
    assert_false(has(cache, 2));
    assert_false(has(cache, 3));
    assert_int_equal(count_files(f), 1);
    lig_object_cache_close(cache);
}

static void set_age(const Fixture *f, int i, time_t seconds)
{
    char path[256];
    path_of(f, i, path);
    const struct timespec times[2] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

// Ten fit. Those put first are used last, so the middle ones go.
static void a_full_folder_forgets_what_was_used_longest_ago(void **state)
{
    Fixture *f = *state;
    const uint64_t room = 10 * (OBJECT_BYTES + 100);
    LigObjectCache *cache = open_cache(f, room);
    for (int i = 0; i < 10; i++) put(cache, i);
    assert_int_equal(lig_object_cache_facts(cache)->evicted, 0);
    for (int i = 0; i < 10; i++) set_age(f, i, 100 - i);
    for (int i = 0; i < 3; i++) assert_true(has(cache, i));
    lig_object_cache_close(cache);
    cache = open_cache(f, room);
    put(cache, 10);
    put(cache, 11);
    assert_true(lig_object_cache_facts(cache)->evicted > 0);
    assert_true((uint64_t)count_files(f) * OBJECT_BYTES <= room);
    for (int i = 0; i < 3; i++) assert_true(has(cache, i));
    assert_false(has(cache, 3));
    assert_true(has(cache, 9));
    assert_true(has(cache, 10));
    assert_true(has(cache, 11));
    lig_object_cache_close(cache);
}

static void what_is_larger_than_the_folder_may_be_is_not_kept(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, OBJECT_BYTES);
    put(cache, 1);
    assert_false(has(cache, 1));
    assert_int_equal(count_files(f), 0);
    lig_object_cache_close(cache);
}

static void what_a_killed_process_left_is_removed(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, MANY);
    char old[256], young[256], foreign[256];
    snprintf(old, sizeof old, "%s/.object-1-2-3", f->folder);
    snprintf(young, sizeof young, "%s/.object-1-2-4", f->folder);
    snprintf(foreign, sizeof foreign, "%s/notes.txt", f->folder);
    const char *paths[] = {old, young, foreign};
    for (int i = 0; i < 3; i++) close(open(paths[i], O_CREAT | O_WRONLY, 0600));
    const struct timespec times[2] = {{.tv_sec = time(NULL) - 7200}, {.tv_sec = time(NULL) - 7200}};
    assert_int_equal(utimensat(AT_FDCWD, old, times, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, foreign, times, 0), 0);
    put(cache, 1);
    assert_int_not_equal(access(old, F_OK), 0);
    assert_int_equal(access(young, F_OK), 0);
    assert_int_equal(access(foreign, F_OK), 0);
    lig_object_cache_close(cache);
}

enum { PROCESSES = 4, ROUNDS = 40, OBJECTS = 12 };

// Puts and gets the same few objects, in a folder too small for all, while others do the same.
static void contend(Fixture *f, int process)
{
    for (int round = 0; round < ROUNDS; round++) {
        LigObjectCache *cache = open_cache(f, 8 * (OBJECT_BYTES + 100));
        for (int i = 0; i < OBJECTS; i++) {
            int which = (i * (process + 1) + round) % OBJECTS;
            if (!has(cache, which)) put(cache, which);
        }
        const LigObjectCacheFacts *facts = lig_object_cache_facts(cache);
        if (facts->damaged > 0 || facts->trouble[0]) _exit(1);
        lig_object_cache_close(cache);
    }
}

static void processes_share_a_folder(void **state)
{
    Fixture *f = *state;
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            contend(f, i);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_true(count_files(f) > 0 && count_files(f) <= OBJECTS);
}

// Each allocation fails once: nothing crashes, nothing sound is lost.
static void memory_runs_out(void **state)
{
    Fixture *f = *state;
    LigObjectCache *cache = open_cache(f, MANY);
    put(cache, 1);
    for (uint64_t n = 1; n < 4; n++) {
        LigObject object;
        LigDigest key = key_of(1);
        lig_alloc_fail_at(n);
        bool found = lig_object_cache_get(cache, &key, &object);
        lig_alloc_fail_at(0);
        assert_int_equal(found, n > 1);
        if (found) lig_object_free(&object);
    }
    lig_object_cache_close(cache);
    const LigObjectCacheOptions options = {f->folder, MANY};
    lig_alloc_fail_at(1);
    assert_int_equal(lig_object_cache_open(f->ctx, &options, &cache), LIG_ERR_NO_MEMORY);
    lig_alloc_fail_at(0);
    lig_context_clear(f->ctx);
    cache = open_cache(f, OBJECT_BYTES + 100);
    lig_alloc_fail_at(1);
    put(cache, 2); // no memory to find what to evict
    lig_alloc_fail_at(0);
    assert_true(has(cache, 1));
    assert_false(has(cache, 2));
    lig_object_cache_close(cache);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_put_is_got_by_the_next_run),
        CASE(an_empty_object_is_an_object),
        CASE(without_a_folder_nothing_is_kept),
        CASE(every_changed_byte_is_noticed),
        CASE(every_cut_is_noticed),
        CASE(an_entry_under_anothers_name_is_refused),
        CASE(an_entry_that_others_may_write_is_refused),
        CASE(a_link_leads_nowhere),
        CASE(a_folder_that_others_may_write_is_refused),
        CASE(a_folder_that_can_not_be_is_told),
        CASE(a_read_only_folder_is_read),
        CASE(a_folder_of_another_user_is_refused),
        CASE(a_full_disk_leaves_nothing_behind),
        CASE(a_full_folder_forgets_what_was_used_longest_ago),
        CASE(what_is_larger_than_the_folder_may_be_is_not_kept),
        CASE(what_a_killed_process_left_is_removed),
        CASE(processes_share_a_folder),
        CASE(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
