import type postgres from "postgres";
import type { Journal, Operation } from "./journal.ts";
import { existed, mayEdit, type Node, type Project, type Role, roleIn } from "../model/canvas.ts";
import { Changing } from "../model/changing.ts";
import type { Moment } from "../model/moment.ts";
import type { User } from "../model/user.ts";
import type { Random } from "../runtime/random.ts";
import { Violation } from "../runtime/violation.ts";
import { jobsUnderWay } from "../world/jobs-under-way.ts";
import { asUser, write } from "../world/rest.ts";
import type { World } from "../world/world.ts";

const MOST_NODES = 3;

type Statement = (sql: postgres.TransactionSql) => PromiseLike<{ count: number }>;

/** What members and others do with the graph of a project, with a Supabase client: under row level security. */
export class GraphOperations {
  constructor(
    private readonly world: World,
    private readonly random: Random,
    private readonly journal: Journal,
  ) {}

  /** Anything that somebody does with this project, or a new one. */
  any(owner: User, project: Project | undefined): Operation {
    const what = this.random.weighted({
      create: 5,
      member: 4,
      edit: 6,
      "delete node": 1,
      "delete project": 0.7,
      intrude: 2,
    });
    if (what === "create" || project === undefined) return this.create(owner);
    const user = this.anyoneOf(project);
    const node = this.random.pick(project.nodes);
    switch (what) {
      case "member":
        return this.changeMember(project);
      case "edit":
        return this.edit(node, user);
      case "delete node":
        return this.deleteNode(node, user);
      case "delete project":
        return this.deleteProject(project, this.random.chance(0.7) ? project.owner : user);
      case "intrude":
        return this.intrude(project, user);
    }
  }

  /** Mostly somebody who is or was a member. */
  anyoneOf({ roles, owner }: Project): User {
    if (this.random.chance(0.4)) return owner;
    return this.random.chance(0.8) ? this.random.pick([...roles.keys()]) : this.random.pick(this.world.users);
  }

  /** A new project: its owner adds a viewer who stays one, an editor, and nodes that are connected. */
  create(owner: User): Operation {
    const others = this.world.users.filter((user) => user !== owner);
    const [viewer, editor] = [this.random.pick(others), this.random.pick(others)];
    const id = this.random.uuid();
    const nodes = Array.from({ length: this.random.whole(1, MOST_NODES) }, () => this.random.uuid());
    return this.journal.operation(`project of u${owner.index} ${id}`, async (moment) => {
      const isMade = await this.#write(owner, (sql) => sql`insert into projects (id, name) values (${id}, 'Waves')`);
      if (isMade !== 1) return this.#mustBeLeaving([owner], `u${owner.index} could not make a project`);
      const added = nodes.map((node) => ({ id: node, project_id: id, type: "video", data: { edits: 0 } }));
      const rows = await this.#write(
        owner,
        (sql) => sql`insert into nodes ${sql(added)} on conflict (id) do update set position = excluded.position`,
      );
      if (rows !== nodes.length) return this.#mustBeLeaving([owner], `u${owner.index} could not add nodes`);
      const project = this.world.canvas.addProject(id, owner, viewer, nodes);
      const pairs = nodes.slice(1).map((target, index) => ({
        project_id: id,
        source_node_id: nodes[index] ?? "",
        target_node_id: target,
      }));
      if (pairs.length > 0) await this.#write(owner, (sql) => sql`insert into connections ${sql(pairs)}`);
      await this.#setRole(project, viewer, "viewer", moment);
      if (editor !== viewer) await this.#setRole(project, editor, "editor", moment);
      this.world.counts.add("canvas", "project made");
    });
  }

  /** The owner adds a member, changes a role or removes somebody; or a member leaves. */
  changeMember(project: Project): Operation {
    const members = [...project.roles.keys()].filter((user) => user !== project.owner && user !== project.fixed);
    const others = this.world.users.filter((user) => !project.roles.has(user) && !project.strangers.has(user));
    const user = this.random.maybe(this.random.chance(0.4) ? others : members);
    const role = this.random.pick(["editor", "editor", "viewer", null] as const);
    const leaves = this.random.chance(0.3);
    return this.journal.operation(`member u${user?.index} of ${project.id}: ${role}`, async (moment) => {
      if (user === undefined || project.strangers.has(user)) return;
      await this.#setRole(project, user, role, moment, leaves);
    });
  }

  /** A member is removed by the owner, or leaves. */
  endMembership(project: Project, user: User): Operation {
    const leaves = this.random.chance(0.3);
    return this.journal.operation(`member u${user.index} of ${project.id}: no more`, async (moment) => {
      if (user === project.owner) return;
      await this.#setRole(project, user, null, moment, leaves);
    });
  }

  /** Saves a node with what it has: the edit of its data keeps the address that the end of a job wrote. */
  edit(node: Node, user: User): Operation {
    return this.journal.operation(`edit u${user.index} ${node.id}`, async (moment) => {
      const rows = await this.#write(user, async (sql) => {
        const [found] = await sql`select data from nodes where id = ${node.id} for no key update`;
        if (found === undefined) return { count: 0 };
        const data = { ...found.data, edits: Number(found.data.edits) + 1 };
        return await sql`update nodes set data = ${
          sql.json(data)
        }, position = '{"x": 1, "y": 2}' where id = ${node.id}`;
      });
      node.edits += rows;
      this.#checkRight(node, user, rows, moment());
    });
  }

  deleteNode(node: Node, user: User): Operation {
    return this.journal.operation(`delete node u${user.index} ${node.id}`, async (moment) => {
      const isRunning = await jobsUnderWay(this.world, node.jobs) > 0;
      const wasThere = existed(node, moment()) === true;
      const change = node.exists.begin(false);
      const rows = await this.#write(user, (sql) => sql`delete from nodes where id = ${node.id}`);
      const done = moment();
      if (rows > 0) change.end(done.finished);
      else change.cancel();
      if (rows > 0 || wasThere) this.#checkDeletion(node, user, rows, done);
      if (rows > 0) this.world.counts.add("canvas", `node deleted${isRunning ? " while its job runs" : ""}`);
    });
  }

  deleteProject(project: Project, user: User): Operation {
    return this.journal.operation(`delete project u${user.index} ${project.id}`, async (moment) => {
      const isRunning = await jobsUnderWay(this.world, project.nodes.flatMap(({ jobs }) => jobs)) > 0;
      const changes = user === project.owner
        ? [
          ...project.nodes.map(({ exists }) => exists.begin(false)),
          ...[...project.roles.values()].map((role) => role.begin(null)),
        ]
        : [];
      const rows = await this.#write(user, (sql) => sql`delete from projects where id = ${project.id}`);
      const { finished } = moment();
      if (rows > 0 && user !== project.owner) {
        throw new Violation(`u${user.index} deleted ${project.id} of another user`);
      }
      for (const change of changes) {
        if (rows > 0) change.end(finished);
        else change.cancel();
      }
      if (rows > 0) this.world.counts.add("canvas", `project deleted${isRunning ? " while a job runs" : ""}`);
    });
  }

  /** Somebody who does not own the project tries to get a role, and to rename it. */
  intrude(project: Project, user: User): Operation {
    return this.journal.operation(`intrude u${user.index} ${project.id}`, async () => {
      if (user === project.owner) return;
      for (
        const statement of [
          (sql) => sql`insert into project_members values (${project.id}, ${user.id}, 'editor')`,
          (sql) => sql`update project_members set role = 'editor' where project_id = ${project.id}`,
          (sql) => sql`update projects set name = 'Mine' where id = ${project.id}`,
        ] satisfies Statement[]
      ) {
        if (await this.#write(user, statement) > 0) throw new Violation(`u${user.index} took over ${project.id}`);
      }
      this.world.counts.add("canvas", "intrusion refused");
    });
  }

  /** All members read all nodes of a project; others read none. */
  look(project: Project, user: User): Operation {
    return this.journal.operation(`look u${user.index} ${project.id}`, async (moment) => {
      const [row] = await asUser(
        this.world,
        user.id,
        async (sql) => await sql`select count(*)::integer as count from nodes where project_id = ${project.id}`,
      );
      const done = moment();
      const role = roleIn(project, user, done);
      const there = project.nodes.map((node) => existed(node, done));
      if (role === undefined || there.includes(null)) return;
      const expected = role === null ? 0 : there.filter((is) => is).length;
      if (Number(row?.count) !== expected) {
        throw new Violation(`u${user.index}, ${role}, saw ${row?.count} of ${expected} nodes of ${project.id}`);
      }
      this.world.counts.add("canvas", `seen by ${role ?? "a stranger"}`);
    });
  }

  async #setRole(
    project: Project,
    user: User,
    role: "editor" | "viewer" | null,
    moment: () => Moment,
    leaves = false,
  ): Promise<void> {
    const theirs = project.nodes.flatMap(({ jobs }) => jobs.filter(({ userId }) => userId === user.id));
    const isRunning = role === null && await jobsUnderWay(this.world, theirs) > 0;
    // From here to the begin nothing is awaited: another change of the same role would begin in between.
    const known = project.roles.get(user) ?? new Changing<Role | null>(null);
    const before = known.last;
    if (!known.isSettled || before === role) return;
    project.roles.set(user, known);
    const change = known.begin(role);
    const by = role === null && leaves ? user : project.owner;
    const where = { project_id: project.id, user_id: user.id };
    const rows = await this.#write(
      by,
      (sql) =>
        before === null
          ? sql`insert into project_members ${sql({ ...where, role })}`
          : role === null
          ? sql`delete from project_members where project_id = ${project.id} and user_id = ${user.id}`
          : sql`update project_members set role = ${role} where project_id = ${project.id} and user_id = ${user.id}`,
    );
    const done = moment();
    if (rows > 0) change.end(done.finished);
    else change.cancel();
    if (rows > 0) {
      const what = role === null ? by === user ? "member left" : "member removed" : "role set";
      this.world.counts.add("canvas", `${what}${isRunning ? " while their job runs" : ""}`);
    } else if (roleIn(project, project.owner, done) === "owner") {
      this.#mustBeLeaving([user, project.owner], `u${user.index} did not become ${role} of ${project.id}`);
    }
  }

  /** An edit reaches exactly the nodes that its user may edit. */
  #checkRight(node: Node, user: User, rows: number, done: Moment): void {
    const [role, is] = [roleIn(node.project, user, done), existed(node, done)];
    if (role === undefined || is === null) return;
    const expected = mayEdit(role) && is ? 1 : 0;
    if (rows !== expected) {
      throw new Violation(`u${user.index}, ${role}, changed ${rows} rows of the node ${node.id}, not ${expected}`);
    }
    this.world.counts.add("canvas", rows > 0 ? `edited by ${role}` : `edit by ${role ?? "a stranger"} refused`);
  }

  /** As for an edit. With no row deleted, another deletion may have been faster. */
  #checkDeletion(node: Node, user: User, rows: number, done: Moment): void {
    const role = roleIn(node.project, user, done);
    const isWrong = rows > 0 ? role !== undefined && !mayEdit(role) : mayEdit(role) && existed(node, done) === true;
    if (isWrong) throw new Violation(`u${user.index}, ${role}, deleted ${rows} rows of the node ${node.id}`);
  }

  #mustBeLeaving(users: readonly User[], what: string): void {
    if (!users.some(({ leaving }) => leaving)) throw new Violation(what);
  }

  /** The number of rows that a statement changed; 0 for one that was refused. */
  async #write(user: User, statement: Statement): Promise<number> {
    const written = await write(this.world, user.id, statement);
    if ("rows" in written) return written.rows;
    this.world.counts.add("canvas", `refused: ${written.code}`);
    // Row level security, a reference to somebody who has left, and a member who is there already.
    if (!["42501", "23503", "23505"].includes(written.code)) {
      throw new Violation(`A client was refused: ${written.code}`);
    }
    return 0;
  }
}
