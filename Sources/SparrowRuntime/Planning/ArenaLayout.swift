import SparrowCore

/// Packs buffers that live over ranges of steps into one arena, so that buffers of disjoint
/// lifetimes share memory.
///
/// Greedy by size, largest first, each at the lowest offset where nothing alive at the same time
/// lies (Pisarchyk & Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, s. 4.3).
struct ArenaLayout {
  struct Buffer {
    var bytes: Int
    var firstStep: Int
    var lastStep: Int
  }

  private(set) var offsets: [Int]
  private(set) var byteCount = 0

  static var alignment: Int { 64 }

  init(_ buffers: [Buffer]) {
    offsets = [Int](repeating: 0, count: buffers.count)
    let order = buffers.indices.sorted {
      (buffers[$1].bytes, $0) < (buffers[$0].bytes, $1)
    }
    var placed: [Int] = []  // by offset
    for i in order {
      let size = ArenaLayout.rounded(buffers[i].bytes)
      var offset = 0
      for other in placed where overlap(buffers[i], buffers[other]) {
        if offsets[other] >= offset.clampedSum(size) { break }
        let end = offsets[other].clampedSum(ArenaLayout.rounded(buffers[other].bytes))
        offset = max(offset, end)
      }
      offsets[i] = offset
      byteCount = max(byteCount, offset.clampedSum(size))
      let position = placed.firstIndex { offsets[$0] > offset } ?? placed.count
      placed.insert(i, at: position)
    }
  }

  private static func rounded(_ bytes: Int) -> Int { (bytes + alignment - 1) & ~(alignment - 1) }

  private func overlap(_ a: Buffer, _ b: Buffer) -> Bool {
    a.firstStep <= b.lastStep && b.firstStep <= a.lastStep
  }
}
