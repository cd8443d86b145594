import SparrowCore

extension RotaryEmbedding {
  /// float32, a task for some positions of all items.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, cosines, sines) = (try p.input(0), try p.input(1), try p.input(2))
    guard x.dtype == .float32, p.optional(3).map({ $0.dtype == .int64 }) ?? true else {
      return p.referenceStep(.rotaryEmbedding(self))
    }
    let g: Geometry
    do throws(InferenceError) {
      g = try geometry(x.shape)
    } catch {
      throw p.unsupported(error.reason)
    }
    let half = g.rotated / 2
    let places = g.batch * g.length
    let tableRows = p.optional(3) == nil ? places : cosines.shape.first ?? 0
    guard cosines.shape == sines.shape, cosines.count == tableRows * half, half > 0,
      p.optional(3).map({ $0.count == places }) ?? true
    else { return p.referenceStep(.rotaryEmbedding(self)) }
    let positions = p.optional(3).map { p.slot($0) }
    let (from, to) = (p.slot(x), p.slot(p.outputs[0]))
    let (cosineSlot, sineSlot) = (p.slot(cosines), p.slot(sines))
    let isInterleaved = isInterleaved
    let chunks = Chunks(places, tasks: p.tasks(work: x.count * 4, limit: 64))
    return Step(tasks: chunks.tasks, kernel: "rotary") { work in
      for place in chunks.range(work.task) {
        var row = place
        if let positions {
          row = Int(clamping: work.pointer(positions, as: Int64.self)[place])
          guard row >= 0, row < tableRows else { return work.fail(.indexOutOfRange) }
        }
        let (b, t) = place.quotientAndRemainder(dividingBy: g.length)
        let cosine = work.floats(cosineSlot) + row * half
        let sine = work.floats(sineSlot) + row * half
        let start = b * g.heads * g.length * g.size + t * g.positionStride
        for h in 0..<g.heads {
          let x = work.floats(from) + start + h * g.headStride
          let y = work.floats(to) + start + h * g.headStride
          let (step, other) = isInterleaved ? (2, 1) : (1, half)
          for i in 0..<half {
            let (u, v) = (x[i * step], x[i * step + other])
            y[i * step] = cosine[i] * u - sine[i] * v
            y[i * step + other] = sine[i] * u + cosine[i] * v
          }
          (y + g.rotated).update(from: x + g.rotated, count: g.size - g.rotated)
        }
      }
    }
  }
}
