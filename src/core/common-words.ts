// What people choose when a value has to be there, and what programs print anyway: hiding one of these in output would hide
// the output, and the gap would say which word it was. Made by hand and by rules, not taken from a leak: a list of real
// passwords is somebody's, its licence unclear, and what it has beyond this are words with numbers behind, which
// maskability.ts finds by their parts.

const PASSWORDS = `
  password passwort passwd passphrase passcode pass pwd secret secrets letmein welcome changeme changeit changethis
  change_me change-me changemenow change_this replaceme replace_me replace-me fixme todo tbd placeholder redacted xxxxxxxx
  default defaultpassword admin administrator adminadmin root toor rootroot superuser sysadmin user username guest test
  tester testing testtest test1234 temp temporary tmp demo sample example dummy fake foo bar baz foobar foobarbaz qux quux
  lorem ipsum hello helloworld hunter hunter2 hackme hacker login signin access trustno1 opensesame sesame abracadabra
  iloveyou loveyou lovely love princess sunshine dragon monkey football baseball basketball soccer hockey superman batman
  spiderman starwars pokemon pikachu naruto shadow master michael jordan jennifer jessica ashley nicole daniel andrew joshua
  matthew robert thomas charlie george william amanda anthony hannah samantha victoria alexander alexandra christian
  elizabeth benjamin jonathan michelle liverpool chelsea arsenal barcelona realmadrid manchester cowboys yankees lakers
  ferrari porsche mercedes corvette mustang harley yamaha ginger pepper cookie cheese chocolate butterfly flower rainbow
  diamond golden silver purple orange yellow banana summer winter spring autumn january february march april june july
  august september october november december monday tuesday wednesday thursday friday saturday sunday computer internet
  keyboard samsung microsoft windows google facebook apple iphone android linkedin instagram whatever nothing something
  freedom forever friends family babygirl lovelove angel heaven matrix maverick phoenix killer ranger hunter warrior thunder
  midnight blink182 starwars merlin wizard gandalf secretpassword mysecret mypassword mypass supersecret topsecret
  verysecret notsecret unsecure insecure correcthorsebatterystaple correct horse battery staple passpass pass1234 p4ssw0rd
  secretkey secret_key secret-key mysecretkey my-secret-key jwtsecret jwt-secret jwt_secret apikey api_key api-key mytoken
  token testtoken test-token testkey test-key test_key yourpassword your-password your_password yourpasswordhere
  your_password_here your-password-here your-api-key your_api_key your-api-key-here your_api_key_here yoursecret your-secret
  your_secret yourtoken your-token your_token your-secret-key your_secret_key insert-here enter-here keyboardcat
  keyboard-cat shhhhh django-insecure s3cr3t s3cret minioadmin miniopassword rabbitmq guestguest
`;

const WORDS_OF_PROGRAMS = `
  true false yes no on off null none nil undefined unset empty enabled disabled enable disable auto automatic manual always
  never optional required success failure failed error errors warning warn info debug trace verbose silent fatal notice
  critical development developer develop dev production prod staging stage preview sandbox qa uat ci local localhost
  localdomain localhost.localdomain remote internal external public private primary secondary master main latest stable
  nightly canary beta alpha release debugging profile testing integration acceptance preproduction pre-production
  production-eu production-us live mock stub offline online readonly read-only readwrite read-write
  127.0.0.1 0.0.0.0 255.255.255.255 192.168.0.1 192.168.1.1 10.0.0.1 172.17.0.1 host.docker.internal example.com
  www.example.com example.org example.net user@example.com admin@example.com test@example.com test@test.com noreply
  no-reply http https http:// https:// http://localhost https://localhost ftp ssh tcp udp unix smtp imap ldap
  utf-8 utf8 utf-16 iso-8859-1 latin1 ascii unicode base64 hex binary json yaml toml text plain html xml csv
  application/json text/plain text/html en_US.UTF-8 en_GB.UTF-8 C.UTF-8 POSIX en-US en-GB de-DE fr-FR Europe/London
  Europe/Berlin Europe/Paris America/New_York America/Los_Angeles America/Chicago Asia/Tokyo Etc/UTC
  postgres postgresql postgresuser postgrespassword mysql mariadb mongodb mongo redis sqlite sqlserver oracle mssql
  cassandra elasticsearch elastic kibana opensearch memcached rabbitmq kafka zookeeper nats clickhouse influxdb grafana
  prometheus jenkins gitlab github bitbucket sonarqube artifactory nexus vault consul nomad terraform ansible puppet chef
  kubernetes kube-system kubectl docker dockerhub container compose swarm podman nginx apache httpd tomcat wordpress drupal
  joomla magento django flask rails laravel symfony spring springboot express fastify nextjs react angular svelte node
  nodejs node_modules npm yarn pnpm python python3 ruby golang rust java javascript typescript kotlin swift bash shell
  powershell ubuntu debian alpine centos fedora redhat linux darwin macos win32 amd64 arm64 x86_64 aarch64 www-data nobody
  daemon system service services server servers client clients worker workers backend frontend database databases web api
  app application webapp website mobile desktop storage bucket uploads assets static media cache queue session sessions
  cookie cookies csrf cors oauth oauth2 openid saml bearer basic digest hmac sha256 sha512 HS256 RS256 ES256 aes-256-gcm
  aes-256-cbc rsa ed25519 postgres_password mysql_root_password database_url connection connectionstring hostname domain
  subdomain account accounts customer customers company organization organisation project projects team member members
  manager owner developer developers analytics metrics logging logger monitoring telemetry sentry datadog newrelic stripe
  paypal twilio sendgrid mailgun mailchimp slack discord telegram zoom shopify salesforce heroku vercel netlify cloudflare
  digitalocean amazon amazonaws aws azure gcp firebase supabase openai anthropic gpt-4 gpt-4o gpt-3.5-turbo
  claude-3-opus text-embedding-3-small us east west north south central northeast southeast europe asia global multi-region
`;

/** AWS, Google Cloud and Azure name their regions by parts. */
const regions = (): string[] => [
  ...['us', 'eu', 'ap', 'sa', 'ca', 'me', 'af', 'il', 'mx', 'us-gov', 'cn'].flatMap((area) =>
    ['east', 'west', 'north', 'south', 'central', 'northeast', 'southeast', 'northwest', 'southwest'].flatMap((side) =>
      [1, 2, 3].map((number) => `${area}-${side}-${number}`),
    ),
  ),
  ...['us', 'europe', 'asia', 'australia', 'northamerica', 'southamerica', 'me', 'africa'].flatMap((area) =>
    ['east', 'west', 'north', 'south', 'central', 'northeast', 'southeast'].flatMap((side) =>
      [1, 2, 3, 4].map((number) => `${area}-${side}${number}`),
    ),
  ),
  ...'eastus eastus2 westus westus2 westus3 centralus northeurope westeurope uksouth ukwest'.split(' '),
];

/** In lower case, each once; some 1,200. */
export function commonWords(): ReadonlySet<string> {
  const words = `${PASSWORDS} ${WORDS_OF_PROGRAMS}`.trim().split(/\s+/);
  return new Set([...words, ...regions()].map((word) => word.toLowerCase()));
}
