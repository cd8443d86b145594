import SparrowCore
import SparrowPasses
import Testing

@Suite struct HardSwishRecognitionTests {
  private let after = """
    graph g(%x: f32[2,3]) -> (%y)
      %y: f32[2,3] = HardSwish(%x)

    """

  @Test func spelledWithClip() throws {
    for order in 0..<4 {
      var b = Builder("g")
      let x = b.input("x", [2, 3])
      let sum = try b.binary(.add, x, b.scalar(3, shape: [1]), name: "sum")
      let clip = try b.op(.clip(Clip()), sum, b.scalar(0), b.scalar(6), name: "clip")
      let y: ValueID
      switch order {
      case 0: y = try b.binary(.div, b.binary(.mul, x, clip, name: "p"), b.scalar(6), name: "y")
      case 1: y = try b.binary(.mul, b.binary(.div, clip, b.scalar(6), name: "p"), x, name: "y")
      case 2: y = try b.binary(.mul, x, b.binary(.mul, clip, b.scalar(1 / 6), name: "p"), name: "y")
      default:
        y = try b.binary(.mul, b.scalar(0.16666667), b.binary(.mul, clip, x, name: "p"), name: "y")
      }
      try expect(
        HardSwishRecognition(), on: b.returning(y), gives: after, within: Tolerance.rounding)
    }
  }

  @Test(arguments: [Float(1) / 6, 0.16666670143604279]) func spelledWithHardSigmoid(alpha: Float)
    throws
  {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    var op = Unary(.hardSigmoid)
    op.alpha = alpha
    let gate = try b.op(.unary(op), x, name: "gate")
    let y = try b.binary(.mul, gate, x, name: "y")
    try expect(
      HardSwishRecognition(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func otherConstants() throws {
    for (three, low, high, six) in [
      (Float(2), Float(0), Float(6), Float(6)), (3, -1, 6, 6), (3, 0, 5, 6), (3, 0, 6, 5),
    ] {
      var b = Builder("g")
      let x = b.input("x", [2, 3])
      let sum = try b.binary(.add, x, b.scalar(three), name: "sum")
      let clip = try b.op(.clip(Clip()), sum, b.scalar(low), b.scalar(high), name: "clip")
      let y = try b.binary(.div, b.binary(.mul, x, clip, name: "p"), b.scalar(six), name: "y")
      try expectUnchanged(HardSwishRecognition(), on: b.returning(y))
    }
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let gate = try b.unary(.hardSigmoid, x, name: "gate")
    let y = try b.binary(.mul, gate, x, name: "y")
    try expectUnchanged(HardSwishRecognition(), on: b.returning(y))
  }
}
