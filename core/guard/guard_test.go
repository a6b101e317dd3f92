package guard_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/guard"
)

// run joins the parts of a made-up secret, so that no scanner takes this file
// for a leak.
func run(parts ...string) string { return strings.Join(parts, "") }

var (
	mixture = "a1B2c3D4e5F6g7H8i9J0kLmN"
	hex32   = "0123456789abcdef0123456789abcdef"
	// secrets are what must be found, each by itself.
	secrets = map[string][]string{
		guard.APIKey: {
			run("abk", "_", "4fT9", mixture, mixture), run("abk", "_4fT9", mixture)[:30],
			run("sk", "-", mixture, mixture), run("sk", "-proj-", mixture, "_", mixture), run("sk", "-ant-api03-", mixture, "-", mixture), run("sk", "-", hex32),
			run("sk", "_live_", mixture), run("rk", "_test_", mixture), run("whsec", "_", mixture),
			run("ghp", "_", mixture, mixture), run("github", "_pat_", mixture, "_", mixture), run("glpat", "-", mixture),
			run("AKIA", "IOSFODNN7EXAMPLE"), run("AIza", "SyA", mixture, "12345678"), run("xoxb", "-123456789012-", mixture), run("hf", "_", mixture, mixture),
			run("npm", "_", mixture, mixture[:12]), run("SG", ".", mixture, ".", mixture), run("re", "_abc123XY_", mixture), run("dop", "_v1_", hex32, hex32),
			run("1234567890", ":AA", mixture, "123456789"),
			"api_key = " + mixture, `"apiKey": "` + mixture + `"`, "client secret: " + hex32, "export OPENAI_API_KEY=" + mixture, "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
			"AccountKey=" + mixture + "==", "token: 123e4567-e89b-12d3-a456-426614174000", "secret=" + hex32,
		},
		guard.Token: {
			run("eyJ", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"), run("eyJ", "hbGciOiJub25lIn0.eyJzdWIiOiIxIn0."),
			"Bearer " + mixture, "bearer\t" + hex32, "Authorization: Basic dXNlcjpwYXNzd29yZDEyMw==", `"authorization": "Token ` + mixture + `"`,
			"https://x.example/file?access_token=" + mixture, "https://s3.example/a?X-Amz-Signature=" + hex32,
			"vK3pQ9rT2xW7yZ4aB6cD8eF1gH5jL0mN3pR6sT9uV2w",
		},
		guard.Cookie: {
			"Cookie: theme=darkmode", "Set-Cookie: id=a3fWa123; Path=/", "__Host-archibot_session=" + mixture, "PHPSESSID=" + hex32, "connect.sid=s%3A" + mixture, "sessionid=" + mixture,
		},
		guard.Password: {
			"password: hunter2", "Password=swordfish", "passwd := 'Tr0ub4dor'", `{"password": "swordfish"}`, "PWD=abc123", "Passwort: geheim!1", "my password is hunter22", "Das Passwort lautet: Sommer2024",
			"DB_PASSWORD=correcthorse", "postgres://app:s3cr3t@db.example/main", "redis://:letmein1@cache", "pass: qwerty1!", "kennwort: 12ab34cd", `spring.datasource.password=swordfish`,
			"password => 'swordfish'", "ｐａｓｓｗｏｒｄ：ｈｕｎｔｅｒ２", "pass\u200bword: hunter2", "password\u00a0= hunter2",
		},
		guard.PrivateKey: {
			run("-----BEGIN ", "PRIVATE KEY-----"), run("-----BEGIN RSA ", "PRIVATE KEY-----\nMII"), run("-----BEGIN OPENSSH ", "PRIVATE KEY-----"), run("-----BEGIN PGP ", "PRIVATE KEY BLOCK-----"),
			run("–––––BEGIN EC ", "PRIVATE KEY–––––"), run("PuTTY-User-Key-File", "-3: ssh-ed25519"), run("AGE-SECRET", "-KEY-1QYQSZQGPQYQSZQGPQYQSZQGP"),
		},
		guard.Card: {
			"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "5555555555554444", "2223003122003222", "378282246310005", "3782 822463 10005", "6011111111111117", "3530111333300000",
			"30569309025904", "3056 930902 5904", "4222222222222", "card:4111111111111111.", "４１１１１１１１１１１１１１１１", "4111\u00a01111\u00a01111\u00a01111",
		},
	}
	// harmless are what must pass.
	harmless = []string{
		"", "Names for a ship", "Wie setze ich mein Passwort zurück?", "How do I reset my password?", "Password: how do I reset it?", "The password is wrong", "my password was forgotten", "password: required",
		"Password=your_password", "password = os.environ['PASSWORD']", "password=$PASSWORD", "password: ${DB_PASSWORD}", "password = getpass()", "password: string", "if password == nil", "password: <your password>",
		"password=********", "passwordField.value = x", "type Password = string", `{"type": "password"}`, "PASSWORD=DB_PASSWORD", "postgres://user:password@localhost/db", "postgres://localhost:5432/db", "https://example.com:8080/a@b",
		"token: 5", "max_tokens = 4096", "max tokens: 128000", "tokens per minute = 100000", "the token limit is 128k", "secret: none", "api key rotation policy", "API key: key_06b1v5k9ehq7r4m2d8t0s3n1cg",
		"acct_06b1v5k9ehq7r4m2d8t0s3n1cg", "req_06b1v5k9ehq7r4m2d8t0s3n1cg", "See request req_06b1v5k9ehq7r4m2d8t0s3n1cg of thr_06b1v5k9ehq7r4m2d8t0s3n1cg", "token: turn_06b1v5k9ehq7r4m2d8t0s3n1cg",
		"123e4567-e89b-12d3-a456-426614174000", "order 112-1234567-1234567", "Order number 4111111111111112", "Bestellung 2024-11-23-000123", "IBAN DE89 3704 0044 0532 0130 00",
		"1732329600000000", "tracking 1Z999AA10123456784", "+49 170 1234567890", "ISBN 978-3-16-148410-0", "IMEI 356938035643809", "4111111111111111111111", "pi is 3.14159265358979323846", "0000 0000 0000 0000", "4444444444444444",
		"-----BEGIN CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----", "What does BEGIN PRIVATE KEY mean?",
		"sk-learn", "sk-learn-tutorial-for-beginners-2024-edition", "risk-adjusted-returns-of-2024-portfolio", "task-4711-refactor-the-scheduler", "disk-usage-analyzer-version-2-release",
		"Bearer bonds", "the bearer of this letter", "Bearer internationalization", "bearer authentication explained", "Authorization: required for all", "Authorization: Bearer <token>", "authorization: Bearer $TOKEN",
		"cookie recipes", "Cookie: what is it?", "Cookies = delicious", "cookie: chocolate", "session=morning", "session = Session()", "the sid is unknown",
		"func (s *Service) Start(ctx context.Context, a Ask) (Started, error)", "const MaxUse = 2000", "for i := range 10 { fmt.Println(i) }", "SELECT * FROM users WHERE password IS NULL", "x = y == z ? 1 : 2",
		"TestServiceStartsATurnWhenTheAccountHasCreditsAgain2Times", "thisIsAVeryLongCamelCaseIdentifierWithManyWordsInIt2024And2025", "AbstractSingletonProxyFactoryBeanDefinitionParser2Implementation",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "integrity sha512-vK3pQ9rT2xW7yZ4aB6cD8eF1gH5jL0mN3pR6sT9uV2w",
		"https://docs.example/d/1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R9s0T/edit", "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "gpt-4o-mini-2024-07-18", "claude-3-5-sonnet-20241022", "us.anthropic.claude-v2:1",
		"日本語のタイトル", "Пароль забыт", "🔑 keys and 🍪 cookies", "key-value stores compared", "key-0123", "re_run the tests", "secret_santa list for 2024", "hf_hub download", "npm_config_registry", "The secret: practice every day", "secret = practice",
		"Passage: Genesis 1:1", "pass: yes", "compass: north2024", "bypass=enabled", "tokenizer: sentencepiece2", "passport: C01X00T47",
	}
)

func TestFind(t *testing.T) { // S2
	t.Parallel()
	for want, texts := range secrets {
		for _, text := range texts {
			for _, in := range []string{text, " " + text + " ", "Please look at " + text + " and tell me", "line\n" + text + "\nline"} {
				got, found := guard.Find(in)
				require.True(t, found, "%q", in)
				require.Equal(t, want, got, "%q", in)
			}
		}
	}
}

func TestFind_harmless(t *testing.T) {
	t.Parallel()
	for _, text := range harmless {
		for _, in := range []string{text, "(" + text + ")", text + ".", "About: " + text} {
			got, found := guard.Find(in)
			require.False(t, found, "%q is taken for %s", in, got)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	require.NoError(t, guard.Check("Names for a ship", "body.title"))
	secret := run("abk", "_4fT9", mixture)
	err := guard.Check("my key "+secret, "body.title")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	require.Equal(t, "secret_in_text", fault.CodeOf(err))
	require.Equal(t, "body.title", fault.From(err).Param)
	require.Contains(t, fault.From(err).Message, "an API key")
	require.NotContains(t, err.Error(), "4fT9")
}

// What stands around a secret hides none, and nothing makes it fail.
func FuzzFind(f *testing.F) {
	for _, texts := range secrets {
		for _, text := range texts {
			f.Add(text, "")
			f.Add("before ", text)
		}
	}
	for _, text := range harmless {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		guard.Find(before)
		if !utf8.ValidString(before) || !utf8.ValidString(after) {
			return
		}
		for _, texts := range secrets {
			text := texts[0]
			_, found := guard.Find(before + "\n" + text + "\n" + after)
			require.True(t, found, "%q between %q and %q", text, before, after)
		}
	})
}
