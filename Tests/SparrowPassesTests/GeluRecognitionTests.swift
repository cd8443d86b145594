import SparrowCore
import SparrowPasses
import Testing

@Suite struct GeluRecognitionTests {
  private let after = """
    graph g(%x: f32[2,3]) -> (%y)
      %y: f32[2,3] = Gelu(%x)

    """

  /// 1 + erf(x / sqrt 2)
  private func bell(_ b: inout Builder, _ x: ValueID, divides: Bool = true) throws -> ValueID {
    let root: Float = 1.41421354
    let scaled =
      divides
      ? try b.binary(.div, x, b.scalar(root), name: "scaled")
      : try b.binary(.mul, b.scalar(1 / root), x, name: "scaled")
    let erf = try b.unary(.erf, scaled, name: "erf")
    return try b.binary(.add, erf, b.scalar(1), name: "one")
  }

  @Test func everyOrder() throws {
    for order in 0..<4 {
      var b = Builder("g")
      let x = b.input("x", [2, 3])
      let gate = try bell(&b, x, divides: order % 2 == 0)
      let half = b.scalar(0.5)
      let y: ValueID
      switch order {
      case 0: y = try b.binary(.mul, b.binary(.mul, x, gate, name: "p"), half, name: "y")
      case 1: y = try b.binary(.mul, b.binary(.mul, half, x, name: "p"), gate, name: "y")
      case 2: y = try b.binary(.mul, x, b.binary(.mul, half, gate, name: "p"), name: "y")
      default: y = try b.binary(.div, b.binary(.mul, gate, x, name: "p"), b.scalar(2), name: "y")
      }
      try expect(GeluRecognition(), on: b.returning(y), gives: after, within: Tolerance.rounding)
    }
  }

  @Test(arguments: [true, false]) func tanhApproximation(usesPower: Bool) throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let cube =
      usesPower
      ? try b.binary(.pow, x, b.scalar(3), name: "cube")
      : try b.binary(.mul, x, b.binary(.mul, x, x, name: "square"), name: "cube")
    let cubic = try b.binary(.mul, b.scalar(0.044714998), cube, name: "cubic")
    let sum = try b.binary(.add, x, cubic, name: "sum")
    let inside = try b.binary(.mul, b.scalar(0.79788458), sum, name: "inside")
    let tanh = try b.unary(.tanh, inside, name: "tanh")
    let gate = try b.binary(.add, b.scalar(1), tanh, name: "gate")
    let half = try b.binary(.mul, b.scalar(0.5), gate, name: "half")
    let y = try b.binary(.mul, x, half, name: "y")
    let after = """
      graph g(%x: f32[2,3]) -> (%y)
        %y: f32[2,3] = Gelu(%x) {approximate=tanh}

      """
    try expect(GeluRecognition(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func otherConstants() throws {
    for (root, one, half) in [
      (Float(1.4141), Float(1), Float(0.5)), (1.41421354, 1.1, 0.5), (1.41421354, 1, 0.25),
    ] {
      var b = Builder("g")
      let x = b.input("x", [2, 3])
      let scaled = try b.binary(.div, x, b.scalar(root), name: "scaled")
      let gate = try b.binary(.add, b.unary(.erf, scaled, name: "e"), b.scalar(one), name: "gate")
      let p = try b.binary(.mul, x, gate, name: "p")
      let y = try b.binary(.mul, p, b.scalar(half), name: "y")
      try expectUnchanged(GeluRecognition(), on: b.returning(y))
    }
  }

  @Test func ofAnotherValue() throws {
    var b = Builder("g")
    let (x, z) = (b.input("x", [2, 3]), b.input("z", [2, 3]))
    let p = try b.binary(.mul, z, bell(&b, x), name: "p")
    let y = try b.binary(.mul, p, b.scalar(0.5), name: "y")
    try expectUnchanged(GeluRecognition(), on: b.returning(y))
  }

  @Test func partsThatOthersRead() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let gate = try bell(&b, x)
    let p = try b.binary(.mul, x, gate, name: "p")
    let y = try b.binary(.mul, p, b.scalar(0.5), name: "y")
    try expectUnchanged(GeluRecognition(), on: b.returning(y, gate))
    try expectUnchanged(GeluRecognition(), on: b.returning(y, p))
  }
}
