import SparrowCore

extension Preparation {
  /// Output 0 is a copy of input 0's bytes.
  mutating func copyStep() throws(RuntimeError) -> Step {
    let source = try input(0)
    let bytes = outputs[0].count * outputs[0].dtype.size
    let (from, to) = (slot(source), slot(outputs[0]))
    let chunks = Chunks(bytes, tasks: tasks(work: bytes / 4, limit: 16), unit: 64)
    return Step(tasks: chunks.tasks, kernel: "copy", inPlaceInput: 0) { work in
      let range = chunks.range(work.task)
      let (x, y) = (work.raw(from), work.raw(to))
      guard x != y, !range.isEmpty else { return }
      (y + range.lowerBound).copyMemory(from: x + range.lowerBound, byteCount: range.count)
    }
  }
}
