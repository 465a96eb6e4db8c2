class ExitsController < ApplicationController
  def destroy
    Member.find(params[:id]).destroy!
    head :no_content
  end
end
