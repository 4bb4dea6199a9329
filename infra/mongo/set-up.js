// Sets up one MongoDB server: its replica set and its users. Repeating it changes nothing.
//
// It runs beside each mongod, with 127.0.0.1 as its address, because MongoDB allows a local client
// to initiate the set and to create the first user until a user exists. Compose mounts this file;
// infra/k8s/00-config.yaml has a copy, checked by infra/tests/static/test_pod_secrets.py.
//
// The first pod of a StatefulSet initiates the replica set and the others join it, so `replicas`
// alone determines its size. If the first pod has lost its volume while other members exist, it
// rejoins them and never initiates a second set.
const { lookup } = require("dns").promises;
const { writeFileSync } = require("fs");

// MEMBER is this server's DNS name, in a StatefulSet <name>-<ordinal>.<name>-srv.
const { MEMBER, SERVICE, ADMIN_PASSWORD, OPERATOR_PASSWORD, SERVICE_PASSWORD } = process.env;
const [, NAME, ORDINAL] = /^(.*)-(\d+)\./.exec(MEMBER) ?? [];
const SELF = `${MEMBER}:27017`;
const LOCAL = "127.0.0.1:27017";
const MAX_VOTING_MEMBERS = 7; // a limit of MongoDB
const [UNAUTHORIZED, AUTHENTICATION_FAILED, ALREADY_INITIALIZED] = [13, 18, 23];
const USERS = {
  operator: [OPERATOR_PASSWORD, ["backup", "clusterMonitor", "readWriteAnyDatabase"]],
  [SERVICE]: [SERVICE_PASSWORD, [{ role: "readWrite", db: SERVICE }]],
};

function connect(hosts, options, credentials = "") {
  const timeout = "serverSelectionTimeoutMS=5000";
  return new Mongo(`mongodb://${credentials}${hosts}/?${timeout}&${options}`).getDB("admin");
}

function connectAsAdmin(hosts) {
  return connect(hosts, "replicaSet=rs0&authSource=admin", `admin:${ADMIN_PASSWORD}@`);
}

function ignore(codes, action) {
  try {
    action();
  } catch (error) {
    if (!codes.includes(error.code)) throw error;
  }
}

async function otherMembers() {
  const found = [];
  for (let n = 0; NAME && n < MAX_VOTING_MEMBERS; n += 1) {
    const address = `${NAME}-${n}.${NAME}-srv`;
    const exists = await lookup(address).then(() => true, () => false);
    if (exists && address !== MEMBER) found.push(`${address}:27017`);
  }
  return found;
}

function join(others) {
  const set = connectAsAdmin(others.join(","));
  const config = set.runCommand({ replSetGetConfig: 1 }).config;
  if (config.members.some((member) => member.host === SELF)) return;
  const _id = Math.max(...config.members.map((member) => member._id)) + 1;
  config.members.push({ _id, host: SELF });
  config.version += 1;
  set.runCommand({ replSetReconfig: config });
}

async function initiateOrJoin(local) {
  const others = await otherMembers();
  if (others.length) join(others);
  else if (ORDINAL === undefined || ORDINAL === "0") {
    const config = { _id: "rs0", members: [{ _id: 0, host: SELF }] };
    ignore([ALREADY_INITIALIZED, UNAUTHORIZED], () => local.runCommand({ replSetInitiate: config }));
  }
}

function createUsers(local) {
  if (local.hello().isWritablePrimary) {
    ignore([UNAUTHORIZED], () => {
      local.runCommand({ createUser: "admin", pwd: ADMIN_PASSWORD, roles: ["root"] });
    });
  }
  const admin = connectAsAdmin(SELF); // writes go to the primary, whichever member that is
  for (const [user, [pwd, roles]] of Object.entries(USERS)) {
    const exists = admin.getUser(user) !== null;
    admin.runCommand({ [exists ? "updateUser" : "createUser"]: user, pwd, roles });
  }
}

async function setUp() {
  const local = connect(LOCAL, "directConnection=true");
  const { setName, isWritablePrimary, secondary } = local.hello();
  if (!setName) await initiateOrJoin(local);
  if (!isWritablePrimary && !secondary) return false; // not a member yet, or still syncing
  if (secondary) writeFileSync("/tmp/ready", ""); // even if the users are missing: without a
  createUsers(local); // second member there may be no primary that could create them
  writeFileSync("/tmp/ready", "");
  return true;
}

async function main() {
  let reported = "";
  for (;;) {
    try {
      if (await setUp()) return;
    } catch (error) {
      const hint = error.code === AUTHENTICATION_FAILED ? " Does the secret fit this data?" : "";
      if (error.message !== reported) print(`waiting: ${error.message}${hint}`);
      reported = error.message;
    }
    sleep(1000);
  }
}

main().then(() => print(`${MEMBER}: set up`));
