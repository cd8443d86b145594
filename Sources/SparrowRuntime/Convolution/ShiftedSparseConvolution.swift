import CKernels
import SparrowCore

/// Copies of the input planes, one for each column of the kernel and shifted by it, with the padding
/// written out and lines that start at cache lines. Every kernel position then reads aligned rows at
/// an offset of its own, and each input element is written kernel-width times instead of once for
/// every kernel position.
///
/// ```
/// plane (channel, kx)   lines 0 ..< outHeight + (kernelHeight - 1) * dilation of `line` floats
/// line y, column x      input[channel][y - padTop][x + kx * dilation - padLeft], 0 outside
/// ```
struct ShiftedPlanes {
  /// Floats in a line: the output's width up to whole vectors.
  let line: Int
  let lines: Int
  /// Output lines of one tile.
  let tileLines: Int
  let rows: InputRows
  /// Floats of one channel that a tile reads.
  let tileFloats: Int

  /// nil where the copies do not pay: strides, 1x1 kernels, tall or narrow outputs.
  init?(_ shape: ConvolutionShape) {
    let g = shape.geometry
    guard shape.positions > 1, g.stride_h == 1, g.stride_w == 1 else { return nil }
    let width = Int(g.out_width)
    line = (width + 15) / 16 * 16
    // A vector's unused lanes are work all the same, and one line is one pass of the kernel.
    guard line <= SparseMatrix.tileWidth, 4 * width >= 3 * line else { return nil }
    let kernel = (height: Int(g.kernel_h), width: Int(g.kernel_w))
    lines = Int(g.out_height) + (kernel.height - 1) * Int(g.dilation_h)
    tileLines = min(Int(g.out_height), SparseMatrix.tileWidth / line)
    rows = InputRows(
      channel: kernel.width * lines * line, line: Int(g.dilation_h) * line, shift: lines * line,
      kernel: kernel)
    tileFloats = kernel.width * (tileLines + (kernel.height - 1) * Int(g.dilation_h)) * line
  }

  /// The convolution whose im2col matrix is these planes: one line of the kernel, lines as output.
  func geometry(_ shape: ConvolutionShape) -> sp_conv_geometry {
    var g = shape.geometry
    g.kernel_h = 1
    g.out_height = lines
    g.out_width = line
    return g
  }
}

/// The planes are copied in a first phase; a second multiplies, tile of whole lines by tile.
func shiftedSparseConvolution(
  _ p: inout Preparation, _ shape: ConvolutionShape, _ operands: ConvolutionOperands,
  _ activation: Activation, _ matrices: [SparseMatrix], _ planes: ShiftedPlanes
) -> Step {
  let kernels = p.kernels
  let columns = Int(shape.geometry.kernel_w)
  let plane = planes.lines * planes.line
  let inputs = shape.batch * shape.groups * shape.inputs
  let copies = p.scratch(bytes: inputs * columns * plane * 4)
  let width = Int(shape.geometry.out_width)
  let height = Int(shape.geometry.out_height)
  let tiles = (height + planes.tileLines - 1) / planes.tileLines
  let tasks = ConvolutionTasks(
    shape, tiles: tiles, rowGranularity: matrices[0].rowGranularity, threads: p.threads)
  let sumFloats = tasks.chunkRows * planes.tileLines * planes.line
  let sums = p.scratch(bytes: p.threads * sumFloats * 4)
  let fused = FusedActivation(activation)
  // Ranges of lines, as the tiles: a worker then copies about the lines that it reads.
  let copyTasks =
    p.threads == 1 ? 1 : p.tasks(work: inputs * columns * plane, limit: (planes.lines + 3) / 4)

  return Step(
    phases: [copyTasks, tasks.count], kernel: matrices[0].kernelName + " (shifted)",
    multiplyAdds: shape.batch * shape.outputPlane * matrices.reduce(0) { $0 + $1.nonzeros }
  ) { work in
    if work.phase == 0 {
      let first = planes.lines * work.task / copyTasks * planes.line
      let last = planes.lines * (work.task + 1) / copyTasks * planes.line
      var geometry = planes.geometry(shape)
      if copyTasks == 1 {
        kernels.pointee.f32_im2col(
          &geometry, work.floats(operands.x), 0, inputs * columns, 0, plane,
          work.floats(copies), plane)
        return
      }
      // Plane by plane: the kernel zeroes what lies behind the count, up to its stride.
      for input in 0..<inputs {
        for column in 0..<columns {
          kernels.pointee.f32_im2col(
            &geometry, work.floats(operands.x) + input * shape.inputPlane, column, column + 1,
            first, last - first,
            work.floats(copies) + (input * columns + column) * plane + first, last - first)
        }
      }
      return
    }
    let place = tasks.place(work.task)
    let matrix = matrices[place.group]
    let firstLine = place.tile * planes.tileLines
    let lineCount = min(planes.tileLines, height - firstLine)
    let lastRow = min(shape.outputs, place.row + tasks.chunkRows)
    let group = place.image * shape.groups + place.group
    let input = work.floats(copies) + group * shape.inputs * columns * plane
    // A single line needs no detour: its row of output is contiguous.
    let isDirect = planes.tileLines == 1
    let stride = isDirect ? shape.outputPlane : planes.tileLines * planes.line
    let offset = group * shape.outputs * shape.outputPlane + firstLine * width
    let y = work.floats(operands.y) + offset
    let target =
      isDirect
      ? y : work.floats(sums) + work.worker * sumFloats - place.row * stride
    let adds = operands.addend != nil && !isDirect
    for block in 0..<matrix.blocks.count {
      let range = matrix.blocks.range(block)
      var epilogue = fused.epilogue(
        accumulate: block > 0, last: block == matrix.blocks.count - 1)
      operands.extend(
        &epilogue, work, channel: place.group * shape.outputs, offset: offset,
        stride: shape.outputPlane)
      if adds {
        epilogue.residual = nil
        (epilogue.lo, epilogue.hi) = (-Float.infinity, Float.infinity)
      }
      matrix.multiply(
        kernels, block: block, begin: place.row, end: lastRow,
        tile: input + matrix.input.offset(range.start) + firstLine * planes.line,
        n: isDirect ? width : lineCount * planes.line, c: target, stride: stride,
        epilogue: &epilogue)
    }
    if isDirect {
      fused.finish(
        kernels, y + place.row * stride, rows: lastRow - place.row, n: width, stride: stride)
      return
    }
    for row in place.row..<lastRow {
      let source = target + row * stride
      let result = y + row * shape.outputPlane
      for line in 0..<lineCount {
        (result + line * width).update(from: source + line * planes.line, count: width)
      }
      let count = lineCount * width
      if adds, let addend = operands.addend {
        kernels.pointee.f32_binary(
          SP_BINARY_ADD, count, result, 1,
          work.floats(addend) + offset + row * shape.outputPlane, 1, result)
        fused.apply(kernels, result, n: count)
      } else {
        fused.finish(kernels, result, rows: 1, n: count, stride: 0)
      }
    }
  }
}
