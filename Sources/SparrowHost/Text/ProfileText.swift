import SparrowCore
import SparrowRuntime

/// The steps of a profile as people read them.
package enum ProfileText {
  /// A line a step. With `peak`, in GFLOP/s, also what part of it a step reaches, and its time with a dense
  /// kernel.
  package static func table(_ steps: [StepProfile], peak: Double? = nil) -> String {
    let total = Double(max(1, steps.reduce(0) { $0 + $1.nanoseconds }))
    let isGated = steps.contains { $0.realisedMultiplyAdds != nil }
    var columns: [(title: String, cell: (StepProfile) -> String)] = [
      ("step", { $0.node }), ("kernel", { $0.kernel }),
      ("time", { Text.milliseconds(Double($0.nanoseconds) * 1e-6) }),
      ("share", { Text.percent(Double($0.nanoseconds) / total) }),
      ("MACs", { $0.multiplyAdds > 0 ? Text.count($0.multiplyAdds) : "" }),
    ]
    if isGated {
      columns.append(("realised", { $0.realisedMultiplyAdds.map { Text.count($0) } ?? "" }))
    }
    columns.append(("GFLOP/s", { $0.gigaflops.map { Text.significant($0) } ?? "" }))
    if let peak {
      columns += [
        ("of peak", { $0.gigaflops.map { Text.fixed(100 * $0 / peak, 0) + " %" } ?? "" }),
        (
          "dense",
          { $0.denseNanoseconds.map { Text.milliseconds(Double($0) * 1e-6) } ?? "" }
        ),
      ]
    }
    return Text.table(
      [columns.map { $0.title }] + steps.map { step in columns.map { $0.cell(step) } })
  }

  /// The multiply-adds of all steps, and those that gates left over.
  package static func work(_ steps: [StepProfile]) -> String {
    let nominal = steps.reduce(0) { $0 + $1.multiplyAdds }
    let realised = steps.reduce(0) { $0 + ($1.realisedMultiplyAdds ?? $1.multiplyAdds) }
    let text = "\(Text.count(nominal)) multiply-adds with weights that are not zero"
    guard steps.contains(where: { $0.realisedMultiplyAdds != nil }) else { return text }
    let part = Text.percent(Double(realised) / Double(max(1, nominal)))
    return text + "; \(Text.count(realised)) realised (\(part)), the others on closed channels"
  }
}
