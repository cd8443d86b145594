import CPlatform
import SparrowCore
import SparrowFiles
import SparrowHost
import SparrowRuntime

/// Times a model: runs for the warm-up, then at least five that count.
struct BenchmarkRun {
  private let model: Prepared
  private let inputs: [Tensor]
  private let options: Options

  init(_ graph: Graph, _ name: String, _ options: Options) throws(RunFailure) {
    self.options = options
    inputs = try GivenInputs.tensors(of: graph, name, options)
    model = try Prepared(graph, name, options)
  }

  func run() throws(RunFailure) {
    let times = try TimedRuns(seconds: options.seconds, warmup: options.warmup) {
      () throws(RunFailure) in _ = try model.run(inputs)
    }
    let batch = inputs.first?.shape.first ?? 1
    try show(
      LatencyStatistics(times.milliseconds), times.milliseconds.count, batch,
      times.throughput(batch: batch))
  }

  private func show(
    _ latency: LatencyStatistics, _ iterations: Int, _ batch: Int, _ throughput: Double
  ) throws(RunFailure) {
    if let json = options.json {
      try write(json: report(latency, iterations, batch, throughput), to: json)
    }
    if options.isQuiet { return }
    try Console.say(
      "\(model.name): batch \(batch), \(options.threads) thread\(options.threads == 1 ? "" : "s"), "
        + Session.instructionSet + "\n"
        + latency.text(throughput: throughput, runs: iterations)
        + "\npeak memory \(Text.bytes(Int(clamping: sp_peak_memory()))) (packed weights "
        + "\(Text.bytes(model.session.packedWeightBytes)))")
    if options.profiles {
      let steps = try Attempt.runtime(model.name) { () throws(RuntimeError) in
        try model.session.profile(inputs).steps
      }
      try Console.say("\n" + ProfileText.table(steps) + "\n" + ProfileText.work(steps))
    }
  }

  /// The keys are those of `sparrow benchmark --json`.
  private func report(
    _ latency: LatencyStatistics, _ iterations: Int, _ batch: Int, _ throughput: Double
  ) -> String {
    let times = [
      ("mean", latency.mean), ("median", latency.median),
      ("min", latency.min), ("p95", latency.p95), ("p99", latency.p99),
    ].map { name, value in "    \(JSONText.string(name)) : \(Text.fixed(value, 6))" }
    let shapes = zip(model.graph.inputs, inputs).map { id, tensor in
      let lengths = tensor.shape.map { "\($0)" }.joined(separator: ", ")
      return "    \(JSONText.string(model.graph[id].name)) : [\(lengths)]"
    }
    let fields = [
      "  \"batch\" : \(batch)",
      "  \"input_shapes\" : {\n" + shapes.joined(separator: ",\n") + "\n  }",
      "  \"isa\" : \(JSONText.string(Session.instructionSet))",
      "  \"iterations\" : \(iterations)",
      "  \"latency_ms\" : {\n" + times.joined(separator: ",\n") + "\n  }",
      "  \"mode\" : \"sync\"",
      "  \"model\" : \(JSONText.string(model.name))",
      "  \"packed_weight_bytes\" : \(model.session.packedWeightBytes)",
      "  \"peak_memory_bytes\" : \(sp_peak_memory())",
      "  \"threads\" : \(options.threads)",
      "  \"throughput\" : \(Text.fixed(throughput, 3))",
    ]
    return "{\n" + fields.joined(separator: ",\n") + "\n}\n"
  }

  private func write(json text: String, to path: String) throws(RunFailure) {
    try Attempt.file { () throws(FormatError) in
      let file = try AtomicFile(path)
      try file.write(Array(text.utf8))
      try file.commit()
    }
  }
}

/// Strings in JSON (RFC 8259, section 7).
enum JSONText {
  static func string(_ text: String) -> String {
    var bytes: [UInt8] = [UInt8(ascii: "\"")]
    let digits = Array("0123456789abcdef".utf8)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0..<0x20:
        bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes + [UInt8(ascii: "\"")], as: UTF8.self)
  }
}
