// SHA-256 against the examples that NIST publishes for FIPS 180-4, and in pieces of every length.
#include "ir/base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void is_digest(LigDigest digest, const char *hex)
{
    char text[LIG_SHA256_HEX_BYTES];
    lig_digest_hex(&digest, text);
    assert_string_equal(text, hex);
}

static void published_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *message, *digest;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopq"
         "rst"
         "nopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        is_digest(lig_sha256(vectors[i].message, strlen(vectors[i].message)), vectors[i].digest);
}

static void a_million_letters(void **state)
{
    (void)state;
    LigSha256 sha = lig_sha256_begin();
    char letters[1000];
    memset(letters, 'a', sizeof letters);
    for (int i = 0; i < 1000; i++) lig_sha256_add(&sha, letters, sizeof letters);
    is_digest(lig_sha256_end(&sha), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Every length around the ends of blocks, cut at every place.
static void pieces_join(void **state)
{
    (void)state;
    unsigned char bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 7);
    for (size_t length = 0; length <= sizeof bytes; length++) {
        LigDigest whole = lig_sha256(bytes, length);
        for (size_t cut = 0; cut <= length; cut++) {
            LigSha256 sha = lig_sha256_begin();
            lig_sha256_add(&sha, bytes, cut);
            lig_sha256_add(&sha, bytes + cut, length - cut);
            LigDigest joined = lig_sha256_end(&sha);
            assert_true(lig_digest_equal(&whole, &joined));
        }
    }
}

static LigDigest of_two(LigStr a, LigStr b)
{
    LigSha256 sha = lig_sha256_begin();
    lig_sha256_add_str(&sha, a);
    lig_sha256_add_str(&sha, b);
    return lig_sha256_end(&sha);
}

static void pieces_with_lengths_do_not_run_together(void **state)
{
    (void)state;
    LigDigest a = of_two(LIG_STR("ab"), LIG_STR("c")), b = of_two(LIG_STR("a"), LIG_STR("bc"));
    assert_false(lig_digest_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(a_million_letters),
        cmocka_unit_test(pieces_join),
        cmocka_unit_test(pieces_with_lengths_do_not_run_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
