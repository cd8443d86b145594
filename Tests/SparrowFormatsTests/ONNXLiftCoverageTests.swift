import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowFormats

/// Every change in the list of lifts has a case that goes through it.
@Suite struct ONNXLiftCoverageTests {
  private static let reductions = ["Min", "Prod", "L1", "L2", "LogSum", "LogSumExp"].map { kind in
    LiftCase(
      name: "Reduce" + kind, opset: 17,
      parts: [
        .node(
          "Reduce" + kind, ["x"], ["y"],
          [.attribute("axes", ints: [0, 2]), .attribute("keepdims", int: 0)])
      ],
      lines: ["%y: f32[3] = Reduce\(kind)(%x, @y_axes: i64[2]) {keepdims=false}"],
      constants: ["y_axes": [0, 2]])
  }

  private static let pool = LiftCase(
    name: "LpPool", opset: 1,
    parts: [
      .node(
        "LpPool", ["x"], ["y"],
        [.attribute("p", float: 3), .attribute("kernel_shape", ints: [2])])
    ],
    lines: ["%y: f32[2,3,3] = LpPool(%x) {kernel_shape=[2], p=3}"])

  @Test(arguments: reductions + [pool]) func lifts(_ lift: LiftCase) throws {
    try ONNXLiftingTests().lifts(lift)
  }

  @Test func everyChangeHasItsCase() throws {
    let cases =
      ONNXLiftingTests.attributes + ONNXLiftingTests.meanings + ONNXLiftingTests.numeric
      + ONNXEarlyLiftingTests.cases + Self.reductions + [Self.pool]
    var covered = ONNXEarlyLiftingTests.ofTwo.map { (op: $0, domain: "", opset: 6) }
    covered.append(("PRelu", "", 6))
    for one in cases {
      let file = Bytes(.model(opset: one.opset, domain: one.domain, one.parts))
      let model = try ModelMessage(WireSource(file: one.name, bytes: file))
      for node in model.graph?.nodes ?? [] {
        covered.append((node.opType, node.domain, Int(one.opset)))
      }
    }
    // Fused operators and classical models: single nodes compared with onnxruntime.
    let archive = try NPZArchive(path: Repository.fixture("nodes.npz"))
    for name in archive.names where name.hasSuffix("/model") {
      let file = Bytes(copying: try archive.tensor(named: name).array(of: UInt8.self))
      let model = try ModelMessage(WireSource(file: name, bytes: file))
      for node in model.graph?.nodes ?? [] { covered.append((node.opType, node.domain, 1)) }
    }
    for lift in Lift.all {
      let isCovered = covered.contains {
        $0.op == lift.op && $0.domain == lift.domain && $0.opset < lift.below ?? .max
      }
      #expect(isCovered, "\(lift.op) below \(lift.below.map { "\($0)" } ?? "any") has no case")
    }
  }
}
