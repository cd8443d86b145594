import SparrowCore
import SparrowPasses
import Testing

@Suite struct NeutralRemovalTests {
  private let removed = """
    graph g(%x: f32[2,3]) -> (%y)
      %y: f32[2,3] = Relu(%x)

    """

  @Test(arguments: [
    (Binary.Function.add, Float(0)), (.sub, 0), (.mul, 1), (.div, 1), (.pow, 1),
    (.max, -Float.infinity), (.min, Float.infinity),
  ])
  func scalarOperand(function: Binary.Function, neutral: Float) throws {
    for shape in [[], [1], [1, 1]] {
      var b = Builder("g")
      let x = b.input("x", [2, 3])
      let values = [Float](repeating: neutral, count: shape.elementCount)
      let c = b.graph.addConstant("c", Tensor(values, shape: shape))
      let h = try b.binary(function, x, c, name: "h")
      let y = try b.unary(.relu, h, name: "y")
      try expect(NeutralRemoval(), on: b.returning(y), gives: removed, within: Tolerance.exact)
    }
  }

  @Test(arguments: [Binary.Function.sub, .div, .pow])
  func firstOperandOfOneThatDoesNotCommute(function: Binary.Function) throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let c = b.scalar(function == .sub ? 0 : 1)
    let y = try b.binary(function, c, x, name: "y")
    try expectUnchanged(NeutralRemoval(), on: b.returning(y))
  }

  @Test func constantThatEnlarges() throws {
    for shape in [[1, 1, 1], [2, 1, 3]] {
      var b = Builder("g")
      let x = b.input("x", [2, 3])
      let zeros = [Float](repeating: 0, count: shape.elementCount)
      let c = b.graph.addConstant("c", Tensor(zeros, shape: shape))
      let y = try b.binary(.add, x, c, name: "y")
      try expectUnchanged(NeutralRemoval(), on: b.returning(y))
    }
  }

  @Test(arguments: [[Float(1), 1, 1], [1.0000001]])
  func parametersAndOtherConstants(values: [Float]) throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let c = b.graph.addConstant("c", Tensor(values))
    let y = try b.binary(.mul, x, c, name: "y")
    try expectUnchanged(NeutralRemoval(), on: b.returning(y))
  }

  @Test func shapesAndTypesThatStay() throws {
    var pad = Builder("g")
    let p = pad.input("x", [2, 3])
    let zeros = pad.integers([0, 0, 0, 0])
    let padded = try pad.op(.pad(Pad()), p, zeros, name: "h")
    try expectRemoved(&pad, padded)

    var reshape = Builder("g")
    let r = reshape.input("x", [2, 3])
    let shape = reshape.integers([2, -1])
    let reshaped = try reshape.op(.reshape(Reshape()), r, shape, name: "h")
    try expectRemoved(&reshape, reshaped)

    var slice = Builder("g")
    let s = slice.input("x", [2, 3])
    let (starts, ends) = (slice.integers([0, 0]), slice.integers([Int64.max, 3]))
    let sliced = try slice.op(.slice(Slice()), s, starts, ends, name: "h")
    try expectRemoved(&slice, sliced)

    for op: Op in [
      .cast(Cast(to: .float32)), .flatten(Flatten()), .transpose(Transpose([0, 1])),
      .concat(Concat()), .clip(Clip()), .split(Split()),
    ] {
      var b = Builder("g")
      let x = b.input("x", [2, 3])
      let h = try b.op(op, x, name: "h")
      try expectRemoved(&b, h)
    }
  }

  private func expectRemoved(_ b: inout Builder, _ h: ValueID) throws {
    let y = try b.unary(.relu, h, name: "y")
    try expect(NeutralRemoval(), on: b.returning(y), gives: removed, within: Tolerance.exact)
  }

  @Test func reshapeOfOpenShape() throws {
    var b = Builder("g")
    let x = b.input("x", [.unknown, .known(3)])
    let shape = b.integers([0, 3])
    let y = try b.op(.reshape(Reshape()), x, shape, name: "y")
    try expectUnchanged(NeutralRemoval(), on: b.returning(y))

    var named = Builder("g")
    let n = named.input("x", [.symbol("n"), .known(3)])
    let same = named.integers([0, 3])
    let h = try named.op(.reshape(Reshape()), n, same, name: "h")
    let z = try named.unary(.relu, h, name: "y")
    let after = """
      graph g(%x: f32[n,3]) -> (%y)
        %y: f32[n,3] = Relu(%x)

      """
    try expect(NeutralRemoval(), on: named.returning(z), gives: after, within: Tolerance.exact)
  }
}
