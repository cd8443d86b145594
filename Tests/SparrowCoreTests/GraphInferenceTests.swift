import SparrowCore
import Testing

/// Shape inference of every operator against a table written from ONNX's specification.
@Suite struct GraphInferenceTests {
  @Test(arguments: inferenceTable) func infers(row: InferenceRow) {
    let inputs = row.inputs.map { $0.known }
    let context = InferenceContext(inputs: inputs, outputCount: row.outputs)
    let found: String
    do throws(InferenceError) {
      found = try row.op.inferTypes(context).map { $0.text }.joined(separator: " ")
    } catch {
      found = "error: " + error.reason
    }
    #expect(found == row.expected)
  }

  @Test func tableCoversEveryOperator() {
    let covered = Set(inferenceTable.map { $0.op.name })
    let missing = Op.catalogue.map { $0.name }.filter { !covered.contains($0) }
    #expect(missing.isEmpty)
  }

  @Test func namesLeadBackToOperators() {
    for op in Op.catalogue { #expect(Op(named: op.name) == op) }
    #expect(Op(named: "Nonsense") == nil)
  }

  @Test func knownLengthsWinOverOpenOnes() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n"), .known(3)]))
    let y = try graph.add(.unary(Unary(.relu)), [x], name: "y")
    graph[y].type = TensorType(.float32, [.known(2), .unknown])
    try graph.inferTypes()
    #expect(graph[y].type?.text == "f32[2,3]")
  }
}
