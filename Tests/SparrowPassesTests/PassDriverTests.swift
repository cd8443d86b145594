import SparrowCore
import SparrowPasses
import Testing

@Suite struct PassDriverTests {
  /// A pass with a bug: it makes the first node read a value that comes later.
  struct Breaking: Pass {
    static let name = "breaking"
    func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
      graph.nodes[0].inputs = [graph.nodes[graph.nodes.count - 1].outputs[0]]
      return 1
    }
  }

  /// A pass that never ends: it swaps the two operands of every Add.
  struct Endless: Pass {
    static let name = "endless"
    func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int {
      for i in graph.nodes.indices where graph.nodes[i].inputs.count == 2 {
        graph.nodes[i].inputs.swapAt(0, 1)
      }
      return 1
    }
  }

  private func chain(_ length: Int) throws -> Graph {
    var b = Builder("g")
    var x = b.input("x", [2])
    x = try b.unary(.relu, x, name: "first")
    for i in 0..<length { x = try b.op(.identity(Identity()), x, name: "i\(i)") }
    x = try b.unary(.exp, x, name: "last")
    return b.returning(x)
  }

  @Test func logsChangesUntilNothingIsLeft() throws {
    var graph = try chain(3)
    let log = try PassDriver(pipeline: [IdentityRemoval(), DeadCode()]).run(&graph)
    #expect(
      log == [
        PassLogEntry(pass: "identity-removal", round: 1, changes: 3),
        PassLogEntry(pass: "dead-code", round: 1, changes: 3),
      ])
    #expect(graph.nodes.count == 2)
  }

  @Test(arguments: 0...5) func stopsAfter(limit: Int) throws {
    var graph = try chain(5)
    let options = PassOptions(stopAfter: limit)
    let log = try PassDriver(pipeline: [IdentityRemoval()], options: options).run(&graph)
    #expect(log.reduce(0) { $0 + $1.changes } == limit)
    #expect(graph.nodes.count == 7 - limit)
  }

  @Test func disables() throws {
    var graph = try chain(5)
    let options = PassOptions(disabled: ["identity-removal"])
    let log = try PassDriver(pipeline: .cleanup, options: options).run(&graph)
    #expect(log.isEmpty)
  }

  @Test func refusesToDisableUnknownPass() {
    let error = #expect(throws: PassError.self) {
      try PassDriver(pipeline: .cleanup, options: PassOptions(disabled: ["fusion"]))
    }
    #expect(
      error?.message == """
        there is no pass 'fusion'; the passes are identity-removal, neutral-removal, \
        constant-folding, branch-selection, common-subexpressions, dead-code
        """)
  }

  @Test func namesThePassThatBreaksTheGraph() throws {
    let before = try chain(2)
    var graph = before
    let error = #expect(throws: PassError.self) {
      try PassDriver(pipeline: [IdentityRemoval(), Breaking()]).run(&graph)
    }
    guard case .invalidResult(let pass, _) = error else {
      Issue.record("unexpected error \(String(describing: error))")
      return
    }
    #expect(pass == "breaking")
    #expect(graph.text == before.text)
  }

  @Test func refusesBrokenGraphs() throws {
    var graph = try chain(1)
    graph.nodes.swapAt(0, 1)
    #expect(
      throws: PassError.invalidInput(
        .invalid("Identity 'i0' reads 'first' before any node makes it"))
    ) {
      try PassDriver(pipeline: .cleanup).run(&graph)
    }
  }

  @Test func roundsAreBounded() throws {
    var b = Builder("g")
    let (x, z) = (b.input("x", [2]), b.input("z", [2]))
    let y = try b.binary(.add, x, z, name: "y")
    var graph = b.returning(y)
    let options = PassOptions(maximumRounds: 4)
    let log = try PassDriver(pipeline: [Endless()], options: options).run(&graph)
    #expect(log.count == 4)
  }

  @Test func pipelinesNameEachPassOnce() {
    let names = Set([any Pass].deployment.map { type(of: $0).name })
    #expect(names.count == 17)
    #expect(names.isSuperset(of: [any Pass].cleanup.map { type(of: $0).name }))
  }
}
