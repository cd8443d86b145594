import CKernels
import SparrowCore

/// A convolution's weight gradient at the places that a mask keeps, or at all of a depthwise one: each is
/// a dot product of a plane of the output's gradient and a shifted plane of the input.
///
/// Both lie in lines of the same length, so that a run of lines is one vector; the gradient's lines end
/// in zeros where the input's go on.
///
/// ```
/// for each image:   phase 2 i       copy the input's planes, padded, and the gradient's
///                   phase 2 i + 1   per output channel: its kept weights' dot products, block by block
/// ```
/// (Nikdan et al., SparseProp, arXiv 2302.04852, section 3.)
struct SampledWeightGradient: @unchecked Sendable {
  /// Above this density the dense product is faster.
  static var densityLimit: Double { 0.25 }

  private let kernels: UnsafePointer<sp_kernel_table>
  private let shape: ConvolutionShape
  private let input: DirectInput
  private let rows: SampledRows
  private let x: Slot
  private let gradient: Slot
  private let target: Slot
  private let copies: Slot
  private let lines: Slot
  private let sums: Slot
  private let copyTasks: Int
  /// Floats of a plane that count, and of the blocks they are cut into: what a block reads of the input
  /// stays in L2.
  private let length: Int
  private let block: Int

  private static var blockBytes: Int { 1 << 19 }

  /// nil where a matrix product is faster, or there are three dimensions.
  init?(_ p: inout Preparation, _ op: ConvWeightGradient) throws(RuntimeError) {
    let (x, gradient) = (try p.input(0), try p.input(1))
    let mask = p.optional(2)?.constant
    let isDepthwise = op.group > 1 && x.shape[1] == op.group
    guard mask != nil || isDepthwise && p.optional(2) == nil, x.shape.count <= 4 else { return nil }
    shape = try ConvolutionShape(
      p, input: x.shape, weight: p.outputs[0].shape, output: gradient.shape, window: op.window,
      group: op.group)
    if let mask, !isDepthwise {
      let kept = mask.withFlags { $0.reduce(0) { $0 + ($1 == 0 ? 0 : 1) } }
      guard Double(kept) <= Self.densityLimit * Double(mask.count) else { return nil }
    }
    let height = Int(shape.geometry.out_height)
    let isInPlace = shape.isPointwise
    input = try DirectInput(
      shape, p, rows: isInPlace ? 1 : height, pixels: shape.outputPlane, isInPlace: isInPlace)
    rows = SampledRows(mask, shape, input, tasks: p.threads * 4)
    kernels = p.kernels
    (self.x, self.gradient, target) = (p.slot(x), p.slot(gradient), p.slot(p.outputs[0]))
    copies = p.scratch(bytes: shape.groups * input.copyFloats * 4)
    let lineFloats = isInPlace ? 0 : height * input.row
    lines = p.scratch(bytes: shape.groups * shape.outputs * lineFloats * 4)
    sums = p.scratch(bytes: rows.count * 4)
    copyTasks = isInPlace ? 0 : p.tasks(work: shape.inputs * input.channelFloats, limit: 16)
    // The last line's zeros have no input.
    length =
      isInPlace
      ? shape.outputPlane : height * input.row - (input.row - Int(shape.geometry.out_width))
    block = max(256, Self.blockBytes / 4 / max(1, shape.inputs) / 16 * 16)
  }

  func step() -> Step {
    let compute = rows.tasks
    let copy = copyTasks > 0 ? shape.groups * copyTasks : 1
    return Step(
      phases: (0..<shape.batch).flatMap { _ in [copy, compute] }, kernel: "f32_dots",
      multiplyAdds: shape.batch * shape.outputPlane * rows.count
    ) { work in
      let (image, part) = work.phase.quotientAndRemainder(dividingBy: 2)
      if part == 0 { return copyPlanes(image, work) }
      add(rows.range(work.task), image, work)
    }
  }

  /// A share of the channels of one group.
  private func copyPlanes(_ image: Int, _ work: borrowing Work) {
    guard copyTasks > 0 else { return }
    let (group, part) = work.task.quotientAndRemainder(dividingBy: copyTasks)
    let channels = shape.inputs * part / copyTasks..<shape.inputs * (part + 1) / copyTasks
    input.copy(
      kernels, shape.geometry,
      work.floats(x) + (image * shape.groups + group) * shape.inputs * shape.inputPlane,
      channels: channels, from: input.block(0), to: work.floats(copies) + group * input.copyFloats)
    let (width, height) = (Int(shape.geometry.out_width), Int(shape.geometry.out_height))
    for o in shape.outputs * part / copyTasks..<shape.outputs * (part + 1) / copyTasks {
      let row = group * shape.outputs + o
      var from = UnsafePointer(
        work.floats(gradient) + (image * shape.groups * shape.outputs + row) * shape.outputPlane)
      var to = work.floats(lines) + row * height * input.row
      for _ in 0..<height {
        to.update(from: from, count: width)
        (to + width).update(repeating: 0, count: input.row - width)
        (from, to) = (from + width, to + input.row)
      }
    }
  }

  /// One image's part of some output channels' gradients; the last image's ends them.
  private func add(_ rows: Range<Int>, _ image: Int, _ work: borrowing Work) {
    let sums = work.floats(self.sums)
    if image == 0 {
      for row in rows {
        let entries = self.rows.entries(row)
        (sums + entries.lowerBound).update(repeating: 0, count: entries.count)
      }
    }
    for first in stride(from: 0, to: length, by: block) {
      let count = min(block, length - first)
      for row in rows {
        let entries = self.rows.entries(row)
        let (g, x) = planes(row, image, work)
        kernels.pointee.f32_dots(
          count, g + first, x + first, self.rows.offsets(entries.lowerBound), entries.count,
          sums + entries.lowerBound)
      }
    }
    guard image == shape.batch - 1 else { return }
    for row in rows {
      let target = work.floats(target) + row * shape.k
      target.update(repeating: 0, count: shape.k)
      for i in self.rows.entries(row) { target[self.rows.column(i)] = sums[i] }
    }
  }

  /// An output channel's gradient, and the input that it meets.
  @inline(__always)
  private func planes(
    _ row: Int, _ image: Int, _ work: borrowing Work
  ) -> (gradient: UnsafePointer<Float>, input: UnsafePointer<Float>) {
    let group = row / shape.outputs
    guard !input.isInPlace else {
      let unit = image * shape.groups + group
      let output = image * shape.groups * shape.outputs + row
      return (
        UnsafePointer(work.floats(gradient) + output * shape.outputPlane),
        UnsafePointer(work.floats(x) + unit * shape.inputs * shape.inputPlane)
      )
    }
    let height = Int(shape.geometry.out_height)
    return (
      UnsafePointer(work.floats(lines) + row * height * input.row),
      UnsafePointer(work.floats(copies) + group * input.copyFloats)
    )
  }
}

/// What a mask keeps (all without one), row by row: the places in a row, and where their inputs begin.
private struct SampledRows: @unchecked Sendable {
  private let starts: LookupTable<Int>
  private let columns: LookupTable<Int32>
  private let places: LookupTable<Int32>
  /// The first row of each task, and the end.
  private let firsts: LookupTable<Int>

  init(_ mask: Tensor?, _ shape: ConvolutionShape, _ input: DirectInput, tasks: Int) {
    let rows = shape.groups * shape.outputs
    let flags = mask?.withFlags { Array($0) } ?? Array(repeating: 1, count: rows * shape.k)
    var (starts, columns) = ([0], [Int32]())
    for row in 0..<rows {
      for k in 0..<shape.k where flags[row * shape.k + k] != 0 {
        columns.append(Int32(truncatingIfNeeded: k))
      }
      starts.append(columns.count)
    }
    var firsts = [0]
    for row in 0..<rows
    where starts[row] * tasks >= columns.count * firsts.count && firsts.count < tasks && row > 0 {
      firsts.append(row)
    }
    firsts.append(rows)
    (self.starts, self.columns) = (LookupTable(starts), LookupTable(columns))
    (places, self.firsts) = (
      LookupTable(columns.map { input.offsets[Int($0)] }), LookupTable(firsts)
    )
  }

  var count: Int { columns.count }
  var tasks: Int { firsts.count - 1 }

  @inline(__always)
  func range(_ task: Int) -> Range<Int> { firsts[task]..<firsts[task + 1] }

  @inline(__always)
  func entries(_ row: Int) -> Range<Int> { starts[row]..<starts[row + 1] }

  @inline(__always)
  func column(_ entry: Int) -> Int { Int(columns[entry]) }

  @inline(__always)
  func offsets(_ entry: Int) -> UnsafePointer<Int32> { UnsafePointer(places.base + entry) }
}
